# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for dpinholer(8) and dpinholer-exporter(8). A core test holds it against `dpinholer --help`.

_dpinholer() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word != -* ]]; then
            command=$word
            break
        fi
    done
    if [[ ${1##*/} == dpinholer-exporter ]]; then
        command=exporter
    fi

    case $previous in
    --config | --socket)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W 'text json html' -- "$current")
        return
        ;;
    --sip-ports | --listen | --interval)
        COMPREPLY=()
        return
        ;;
    esac

    case $command in
    '') words='run replay check status calls pinholes events close unban top exporter --help --version' ;;
    run) words='--config --socket --help' ;;
    replay) words='--config --format --sip-ports --help' ;;
    check) words='--config --json --preflight --help' ;;
    status | calls | pinholes | close | unban) words='--socket --json --help' ;;
    events) words='--socket --json --follow --help' ;;
    top) words='--interval --socket --help' ;;
    exporter) words='--config --listen --socket --help --version' ;;
    esac

    if [[ $command == replay && $current != -* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(
            compgen -d -- "$current"
            compgen -f -X '!*.pcap' -- "$current"
            compgen -f -X '!*.pcapng' -- "$current"
            compgen -f -X '!*.cap' -- "$current"
        )
    elif [[ -z $command || $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}
complete -F _dpinholer dpinholer dpinholer-exporter

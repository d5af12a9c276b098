#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In the virtual machine: runs what comes in on the second serial port, a line at a time, and says how it ended.
port=/dev/ttyS1
stty -F $port raw -echo
exec <$port >$port 2>&1
printf '\nagent: ready\n'
while read -r line; do
    bash -c "$line" </dev/null
    printf '\nagent: %d\n' $?
done

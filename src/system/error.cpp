// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/error.h"

#include <cerrno>
#include <system_error>

namespace dpinholer::system {

std::string SystemError::to_string() const {
  std::string text = call;
  if (!object.empty()) text += " " + object;
  if (code != 0) text += ": " + std::generic_category().message(code);
  return text;
}

std::string_view remedy(int code) {
  switch (code) {
    case EAGAIN:
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
      return "; is there a limit on its memory, processes or descriptors? systemctl show dpinholer tells";
    case EPERM:
    case EACCES:
      return "; run as root or with CAP_NET_ADMIN";
    case EPROTONOSUPPORT:
      return "; load the module nfnetlink";
    default:
      return "";
  }
}

KernelError::KernelError(const SystemError& error)
    : std::runtime_error(error.to_string() + std::string(remedy(error.code))) {}

}  // namespace dpinholer::system

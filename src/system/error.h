// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace dpinholer::system {

/// A call to the system that failed while running: the value of tl::expected<..., SystemError>.
struct SystemError {
  std::string call;    ///< "sendmsg", "NFT_MSG_NEWSETELEM"
  int code = 0;        ///< errno; 0 when the call gives none
  std::string object;  ///< what it was about: a file, a set, an element; may be empty

  /// "NFT_MSG_NEWSETELEM sip_rtp4: No such file or directory". One line, unless call or object hold more.
  std::string to_string() const;
};

/// What helps against an errno, "; run as root ...", as far as that can be said of it alone; empty if not.
std::string_view remedy(int code);

/// The kernel can't be reached or is not set up as nft/dpinholer.nft says: start-up fails with exit status 3.
/// what() is one line that names the object and the remedy.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  explicit KernelError(const SystemError& error);  ///< with the remedy of its errno
};

}  // namespace dpinholer::system

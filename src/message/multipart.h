// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace dpinholer::message {

/// The parts of a multipart body (RFC 2046 section 5.1.1), each with its header fields, in place; what stands
/// before the first and after the last boundary is not among them. At most `most` parts; the rest is not
/// read. A last part without a closing boundary reaches to the end of the body. Lines may end with LF alone.
///
/// `boundary` as the parameter says, not empty. Linear in the length of `body`.
std::vector<std::string_view> split_multipart(std::string_view body, std::string_view boundary,
                                              std::size_t most);

}  // namespace dpinholer::message

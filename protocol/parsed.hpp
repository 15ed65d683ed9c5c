// What a parser of one text returns: the value, or the reason why there is none. The reason is a literal, so that
// refusing a text costs no more than reading it. Its sentence begins with the thing that is wrong.
#pragma once

#include <string_view>
#include <tl/expected.hpp>

namespace herd::protocol {

template <typename T>
using Parsed = tl::expected<T, std::string_view>;

// The failed half of any Parsed. `reason` must be a literal.
[[nodiscard]] inline tl::unexpected<std::string_view> refuse(std::string_view reason) {
  return tl::unexpected<std::string_view>(reason);
}

}  // namespace herd::protocol

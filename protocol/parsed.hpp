// Parsed<T>: the result of parsing one text: the value, or the reason why the text is refused. The reason is a string
// literal, so that refusing a text needs no allocation. It is a sentence that begins with the wrong part.
#pragma once

#include <string_view>
#include <tl/expected.hpp>

namespace herd::protocol {

template <typename T>
using Parsed = tl::expected<T, std::string_view>;

// Makes the error of any Parsed<T>. `reason` must be a string literal.
[[nodiscard]] inline tl::unexpected<std::string_view> refuse(std::string_view reason) {
  return tl::unexpected<std::string_view>(reason);
}

}  // namespace herd::protocol

// Bad input is a value. A function that can be given nonsense returns Result<T>: either the value, or an Error whose
// message is one clear sentence for a person. Exceptions of libraries stop where the library is called.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace herd::protocol {

struct Error {
  std::string message;  // one line, no trailing full stop, says what to do where that is known
};

template <typename T>
using Result = tl::expected<T, Error>;

// The failed half of any Result: `return fail("the port is taken");`
[[nodiscard]] inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace herd::protocol

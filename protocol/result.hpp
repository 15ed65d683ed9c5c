// Result<T>: the return type of functions that can be given bad input: the value, or an Error with one sentence for a
// person. Bad input is never an exception; exceptions of libraries are caught at the call of the library.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace herd::protocol {

struct Error {
  std::string message;  // one line without a full stop: what is wrong, then what to do if that is known
};

template <typename T>
using Result = tl::expected<T, Error>;

// Makes the error of any Result<T>: `return fail("the port is in use");`
[[nodiscard]] inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace herd::protocol

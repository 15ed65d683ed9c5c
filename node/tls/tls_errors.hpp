// Errors of OpenSSL as std::error_code, so that a connection reports them as it reports errors of the system. Any
// thread; OpenSSL has a list of errors for each thread.
#pragma once

#include <string>
#include <system_error>

namespace herd::node {

// Values are OpenSSL's packed error numbers.
[[nodiscard]] const std::error_category& tls_category();

// Takes all errors from this thread's list, and returns the first: in std::system_category() if a system call failed,
// else in tls_category(). If the list is empty, it is "internal error".
[[nodiscard]] std::error_code take_tls_error();

}  // namespace herd::node

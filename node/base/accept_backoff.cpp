#include "node/base/accept_backoff.hpp"

#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

bool is_of_one_client(const std::error_code& error) {
  return error == std::errc::connection_aborted || error == std::errc::interrupted;
}

bool AcceptBackoff::failed(std::function<void()> again) {
  timer_.expires_after(kAcceptBackoff);
  timer_.async_wait([again = std::move(again)](const std::error_code& cancelled) {
    if (!cancelled) again();
  });
  return !std::exchange(fails_, true);
}

}  // namespace herd::node

#include "node/base/accept_back_off.hpp"

#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

bool is_of_one_client(const std::error_code& error) {
  return error == std::errc::connection_aborted || error == std::errc::interrupted;
}

bool AcceptBackOff::failed(std::function<void()> again) {
  timer_.expires_after(kAcceptBackOff);
  timer_.async_wait([again = std::move(again)](const std::error_code& cancelled) {
    if (!cancelled) again();
  });
  return !std::exchange(fails_, true);
}

}  // namespace herd::node

#include "node/http/host_check.hpp"

#include <algorithm>
#include <string>

#include "node/base/address.hpp"

namespace herd::node::http {
namespace {

constexpr std::string_view kRefusal =
    "this server answers only requests to localhost or an IP address, so that no page of another site can read it: "
    "write http://127.0.0.1 and the port";

// The host without its port, brackets and the dot of the root, in lower case.
std::string host_name(std::string_view host) {
  const bool is_six = host.starts_with('[');
  const std::size_t end = is_six ? host.find(']') : host.rfind(':');
  std::string name(host.substr(is_six ? 1 : 0, end == std::string_view::npos ? end : end - (is_six ? 1 : 0)));
  if (name.ends_with('.')) name.pop_back();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; });
  return name;
}

}  // namespace

bool is_safe_host(std::string_view host) {
  const std::string name = host_name(host);
  return name == "localhost" || name.ends_with(".localhost") || is_literal({name, 0});
}

std::optional<Response> check_host(const Request& request) {
  const std::string* host = request.header("host");
  if (host == nullptr || is_safe_host(*host)) return std::nullopt;
  return text_response(421, kRefusal);
}

}  // namespace herd::node::http

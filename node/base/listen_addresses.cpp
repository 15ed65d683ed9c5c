#include "node/base/listen_addresses.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/error.hpp>
#include <asio/ip/v6_only.hpp>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace herd::node {
namespace {

using asio::ip::tcp;
using protocol::fail;
using protocol::Result;

// Whether the address is not one of this machine, or the kernel lacks its family.
bool is_absent(const std::error_code& error) {
  return error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
}

struct Attempt {
  const tcp::endpoint& endpoint;
  const ListenOptions& options;
  bool one_of_several = false;
};

std::error_code open_listener(tcp::acceptor& acceptor, const Attempt& attempt) {
  std::error_code error;
  const auto unless_failed = [&error](auto step) {
    if (!error) step();
  };
  acceptor.open(attempt.endpoint.protocol(), error);
  // So that a restart need not wait for the end of TIME_WAIT. Two listeners on one address are still refused.
  unless_failed([&] { acceptor.set_option(asio::socket_base::reuse_address(true), error); });
  unless_failed([&] {
    // Otherwise 0.0.0.0 and :: of one name would collide. A single literal [::] still serves IPv4 too.
    if (attempt.one_of_several && attempt.endpoint.address().is_v6()) {
      acceptor.set_option(asio::ip::v6_only(true), error);
    }
  });
  unless_failed([&] {
    if (attempt.options.send_buffer_bytes > 0) {
      acceptor.set_option(asio::socket_base::send_buffer_size(attempt.options.send_buffer_bytes), error);
    }
  });
  unless_failed([&] {
    if (attempt.options.receive_buffer_bytes > 0) {
      acceptor.set_option(asio::socket_base::receive_buffer_size(attempt.options.receive_buffer_bytes), error);
    }
  });
  unless_failed([&] { acceptor.bind(attempt.endpoint, error); });
  unless_failed([&] { acceptor.listen(asio::socket_base::max_listen_connections, error); });
  unless_failed([&] { acceptor.non_blocking(true, error); });
  return error;
}

protocol::Error refusal(const Attempt& attempt, const std::error_code& error) {
  if (error == asio::error::address_in_use) {
    return {fmt::format("{0} address {1} is in use: stop the other process or change `{0}` in the configuration",
                        attempt.options.key, text_of(attempt.endpoint))};
  }
  return {fmt::format("{0} address {1} cannot be listened on ({2}): change `{0}` in the configuration",
                      attempt.options.key, text_of(attempt.endpoint), error.message())};
}

}  // namespace

std::string text_of(const tcp::endpoint& endpoint) {
  return to_string(Address{endpoint.address().to_string(), endpoint.port()});
}

Result<std::vector<tcp::endpoint>> endpoints_of(const Address& address, std::string_view key) {
  std::error_code error;
  const auto literal = asio::ip::make_address(address.host, error);
  if (!error) return std::vector<tcp::endpoint>{{literal, address.port}};
  asio::io_context io;
  // Without flags: Asio's default flags leave ::1 out on a machine that has no other IPv6 address.
  const auto found =
      tcp::resolver(io).resolve(address.host, std::to_string(address.port), asio::ip::resolver_base::flags(), error);
  if (error || found.empty()) {
    return fail(
        fmt::format("{0} address {1} cannot be looked up ({2}): correct the name in `{0}`, or write an IP address", key,
                    to_string(address), error ? error.message() : "the name has no address"));
  }
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    if (std::find(endpoints.begin(), endpoints.end(), entry.endpoint()) == endpoints.end()) {
      endpoints.push_back(entry.endpoint());
    }
  }
  return endpoints;
}

Result<std::vector<std::string>> own_endpoints_of(const std::string& endpoint, std::string_view key) {
  const auto address = parse_endpoint(endpoint);
  if (!address || is_literal(*address)) return std::vector<std::string>{endpoint};
  const auto all = endpoints_of(*address, key);
  if (!all) return tl::unexpected(all.error());
  std::vector<std::string> own;
  std::vector<std::string> others;
  for (const tcp::endpoint& one : *all) {
    const bool is_own = is_of_this_host({one.address().to_string(), one.port()});
    (is_own ? own : others).push_back(is_own ? "tcp://" + text_of(one) : one.address().to_string());
  }
  if (own.empty()) {
    return fail(
        fmt::format("{0} address {1} is not of this host: the name has {2}: correct `{0}`, or the addresses of "
                    "the name",
                    key, to_string(*address), fmt::join(others, ", ")));
  }
  return own;
}

Result<std::vector<tcp::acceptor>> listen_at(asio::io_context& io, std::vector<tcp::endpoint> endpoints,
                                             const ListenOptions& options) {
  std::vector<tcp::acceptor> acceptors;
  protocol::Error last{"no address to listen on"};
  for (tcp::endpoint& endpoint : endpoints) {
    std::error_code ignored;
    if (endpoint.port() == 0 && !acceptors.empty()) endpoint.port(acceptors.front().local_endpoint(ignored).port());
    const Attempt attempt{endpoint, options, endpoints.size() > 1};
    tcp::acceptor acceptor(io);
    const std::error_code error = open_listener(acceptor, attempt);
    if (!error) {
      acceptors.push_back(std::move(acceptor));
      continue;
    }
    last = refusal(attempt, error);
    if (!is_absent(error)) return tl::unexpected(std::move(last));
    if (attempt.one_of_several) {
      spdlog::warn("event=address_left_out key={} address={} reason=\"{}\"", options.key, text_of(endpoint),
                   error.message());
    }
  }
  if (acceptors.empty()) return tl::unexpected(std::move(last));
  return acceptors;
}

Result<std::vector<tcp::acceptor>> listen_on_all(asio::io_context& io, const Address& address,
                                                 const ListenOptions& options) {
  return endpoints_of(address, options.key).and_then([&](std::vector<tcp::endpoint> endpoints) {
    return listen_at(io, std::move(endpoints), options);
  });
}

}  // namespace herd::node

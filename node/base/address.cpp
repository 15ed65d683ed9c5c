#include "node/base/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

constexpr std::string_view kForm = "write HOST:PORT, such as 127.0.0.1:12140 or [::1]:12140";

// The address as 16 bytes, with IPv4 mapped into IPv6, so that both can be compared alike; nullopt for a name.
std::optional<std::array<unsigned char, 16>> literal(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return bytes;
  if (inet_pton(AF_INET, host.c_str(), bytes.data() + 12) == 1) {
    bytes[10] = bytes[11] = 0xff;
    return bytes;
  }
  return std::nullopt;
}

bool is_mapped_ipv4(const std::array<unsigned char, 16>& bytes) {
  return bytes[10] == 0xff && bytes[11] == 0xff && std::all_of(bytes.begin(), bytes.begin() + 10, std::logical_not{});
}

// A text of digits and points only is a wrong IPv4 address, such as `127.0.0.300`, and not a name.
bool is_host_name(std::string_view host) {
  const auto of_name = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  };
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), of_name) &&
         host.find_first_not_of("0123456789.") != std::string_view::npos;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(fmt::format("is \"{}\", which has no port: {}", text, kForm));
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    return fail(fmt::format("is \"{}\": its port is not a number from 1 to 65535: {}", text, kForm));
  }
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  const bool six = host.find(':') != std::string_view::npos;
  Address address{std::string(host), port};
  if (six != brackets || (!is_literal(address) && (six || !is_host_name(host)))) {
    return fail(fmt::format("is \"{}\": its host is neither an IP address nor a name: {}", text, kForm));
  }
  return address;
}

Result<Address> parse_endpoint(std::string_view text) {
  constexpr std::string_view kScheme = "tcp://";
  if (!text.starts_with(kScheme)) {
    return fail(fmt::format("is \"{}\", which does not begin with tcp://: write tcp://ADDRESS:PORT", text));
  }
  return parse_address(text.substr(kScheme.size()));
}

std::string to_string(const Address& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", six ? "[" : "", address.host, six ? "]" : "", address.port);
}

bool is_loopback(const Address& address) {
  if (address.host == "localhost") return true;
  const auto bytes = literal(address.host);
  if (!bytes) return false;
  const std::array<unsigned char, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return *bytes == one || (is_mapped_ipv4(*bytes) && (*bytes)[12] == 127);
}

bool is_wildcard(const Address& address) {
  return address.host == "0.0.0.0" || literal(address.host) == std::array<unsigned char, 16>{};
}

bool is_literal(const Address& address) {
  return literal(address.host).has_value();
}

bool collide(const AddressPair& pair) {
  const auto& [one, other] = pair;
  if (one.port != other.port) return false;
  if (is_wildcard(one) || is_wildcard(other)) return true;
  const auto known_host = [](const Address& address) {
    return address.host == "localhost" ? "127.0.0.1" : address.host;
  };
  const auto left = literal(known_host(one));
  return left ? left == literal(known_host(other)) : one.host == other.host;
}

bool is_of_this_host(const Address& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;  // no lookup
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool bound = bind(fd, found->ai_addr, found->ai_addrlen) == 0;  // port 0: any free one
  close(fd);
  return bound;
}

}  // namespace herd::node

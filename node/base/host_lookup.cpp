#include "node/base/host_lookup.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <semaphore>
#include <system_error>
#include <utility>

namespace herd::node {
namespace {

// The text of an IP address; empty if it is not one that can be used without an interface.
std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  } else if (address.sa_family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&six)) bytes = &six;
  }
  if (bytes == nullptr) return {};
  return inet_ntop(address.sa_family, bytes, text.data(), text.size()) != nullptr ? text.data() : std::string();
}

}  // namespace

HostAddresses look_up_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return {{}, error == EAI_SYSTEM ? std::generic_category().message(errno) : std::string(gai_strerror(error))};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  HostAddresses result;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    std::string text = text_of(*entry->ai_addr);
    const bool is_new = std::find(result.addresses.begin(), result.addresses.end(), text) == result.addresses.end();
    if (!text.empty() && is_new) result.addresses.push_back(std::move(text));
  }
  if (result.addresses.empty()) result.trouble.append("the name has no address that can be used");
  return result;
}

HostLookup::HostLookup(std::string host, Function function, std::function<void()> done)
    : host_(std::move(host)),
      result_(std::make_shared<Result>()),
      thread_("lookup", [host = host_, result = result_, function = std::move(function), done = std::move(done)] {
        result->addresses = function(host);
        result->done.store(true, std::memory_order_release);
        done();
      }) {}

std::map<std::string, std::vector<std::string>> look_up_hosts(const std::vector<std::string>& hosts,
                                                              std::chrono::milliseconds patience,
                                                              const HostLookup::Function& function) {
  const auto done = std::make_shared<std::counting_semaphore<>>(0);
  std::deque<HostLookup> lookups;
  for (const std::string& host : hosts) lookups.emplace_back(host, function, [done] { done->release(); });
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t ended = 0;
  while (ended < lookups.size() && done->try_acquire_until(deadline)) ++ended;
  std::map<std::string, std::vector<std::string>> found;
  for (HostLookup& lookup : lookups) {
    if (lookup.is_done()) found[lookup.host()] = lookup.take().addresses;
  }
  return found;
}

}  // namespace herd::node

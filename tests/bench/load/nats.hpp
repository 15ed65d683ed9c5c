// What speaking with a nats-server takes (https://docs.nats.io/reference/reference-protocols/nats-protocol): its
// greeting, and subscribers that count and compare what reaches them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/options.hpp"

namespace herd::bench {

// The one subject of all updates: the kindest to a server, whose cache of subjects then always hits.
inline constexpr std::string_view kSubject = "iamat";

// What the server asks unasked after some seconds. Its configuration is patient, so it gets no answer.
inline constexpr std::string_view kServerPing = "PING\r\n";

// The opening words of a client, on a socket that blocks.
void greet_nats(int descriptor);

// A sum over updates that does not depend on their order: equal sums, equal updates, but for chance.
std::uint64_t sum_of(std::string_view update);

// A connection that gets each update. Owns its socket, which does not block once subscribed.
class Subscriber {
 public:
  Subscriber(const Target& target, std::size_t update_length);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Reads what is there; throws std::runtime_error when it is no update, or when the connection was closed.
  void receive();
  [[nodiscard]] std::uint64_t updates() const { return updates_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  // Whether a probe of this server (its number among the targets) came.
  [[nodiscard]] bool was_probed_by(std::size_t server) const { return (probes_ >> server & 1) != 0; }

 private:
  std::size_t take(std::string_view bytes);

  std::string head_;  // of each message
  std::size_t update_length_;
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t updates_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t probes_ = 0;
  int descriptor_ = -1;
};

// A subscriber at each target, when what is published at the first `publish_to` of them reaches all.
std::vector<std::unique_ptr<Subscriber>> subscribe(const Options& options);

}  // namespace herd::bench

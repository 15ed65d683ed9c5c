// The NATS protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol) as far as it is needed: the
// handshake, and subscribers that count and check the updates that reach them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/options.hpp"

namespace herd::bench {

// The subject of all updates. A single subject is best for a server: its cache of subjects always hits.
inline constexpr std::string_view kSubject = "iamat";

// The server sends it after some seconds. Its configuration allows long silence, so it gets no reply.
inline constexpr std::string_view kServerPing = "PING\r\n";

// The handshake of a client, on a blocking socket.
void nats_handshake(int descriptor);

// The hash of an update. Sums of hashes do not depend on the order; equal sums mean, almost certainly, equal updates.
std::uint64_t sum_of(std::string_view update);

// A connection that subscribes to all updates. Owns its socket, which is non-blocking after the constructor.
class Subscriber {
 public:
  Subscriber(const Target& target, std::size_t update_length);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Reads the messages that have come. Throws std::runtime_error if one is not an update, or if the connection was
  // closed.
  void receive();
  [[nodiscard]] std::uint64_t updates() const { return updates_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  // Whether a probe that was published at this server (its index among the targets) has come.
  [[nodiscard]] bool was_probed_by(std::size_t server) const { return (probes_ >> server & 1) != 0; }

 private:
  std::size_t take(std::string_view bytes);

  std::string head_;  // the first bytes of each message
  std::size_t update_length_;
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t updates_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t probes_ = 0;
  int descriptor_ = -1;
};

// Returns a subscriber at each target, once messages published at the first `publish_to` targets reach all of them.
std::vector<std::unique_ptr<Subscriber>> subscribe(const Options& options);

}  // namespace herd::bench

// The subscriptions of one viewer: a set of prefixes. A repeated subscription counts once, and one cancellation ends
// it, as in ZeroMQ's own publishers. (A SUB socket of libzmq 4.3 sends repeated subscriptions, but one cancellation for
// all.)
//
// A prefix that matches no topic of this node is not stored. There are only as many matching prefixes as the topics
// have characters, so the set is bounded: about 1,100 prefixes of 4 bytes. Pure; any thread, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herd::node {

// A set of topics: bit i is topic i of the list.
using TopicSet = std::uint16_t;
inline constexpr std::size_t kMostTopics = 16;

class Subscriptions {
 public:
  // `topics`: at most kMostTopics, all different. They must outlive this object.
  explicit Subscriptions(std::span<const std::string> topics);

  // Adds a prefix. Returns the topics that it covers and no other prefix covered before.
  TopicSet add(std::string_view prefix);

  // Removes a prefix. Returns the topics that no prefix covers any more.
  TopicSet remove(std::string_view prefix);

  // The topics that begin with at least one of the prefixes.
  [[nodiscard]] TopicSet covered() const { return covered_; }
  [[nodiscard]] std::size_t size() const { return prefixes_.size(); }

 private:
  // A prefix, stored as its length and the topics that begin with it. The two identify it.
  struct Prefix {
    std::uint16_t length;
    TopicSet topics;
    auto operator<=>(const Prefix&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
  };
  [[nodiscard]] Prefix read(std::string_view prefix) const;

  std::span<const std::string> topics_;
  std::vector<Prefix> prefixes_;  // sorted
  TopicSet covered_ = 0;
};

}  // namespace herd::node

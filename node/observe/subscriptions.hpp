// The subscriptions of one viewer, as a set of prefixes: to subscribe twice is to subscribe once, and one end ends it,
// as in ZeroMQ's own publishers. (A SUB socket of libzmq 4.3 sends a repeated subscription, and one end for all.)
//
// A prefix that no topic of this node begins with covers nothing and is not kept. Of the others there are only as many
// as the topics have characters, so a set is bounded by itself: some 1,100 prefixes of 4 bytes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herd::node {

// Topics of a node, bit by bit, in the order of their list.
using TopicSet = std::uint16_t;
inline constexpr std::size_t kMostTopics = 16;

class Subscriptions {
 public:
  // At most kMostTopics topics, all different, which must outlive this.
  explicit Subscriptions(std::span<const std::string> topics);

  // The topics that are covered now and were not before.
  TopicSet add(std::string_view prefix);

  // The topics that were covered before and are not now.
  TopicSet remove(std::string_view prefix);

  [[nodiscard]] TopicSet covered() const { return covered_; }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }

 private:
  // The prefix of this length that these topics begin with: no other prefix has both in common with it.
  struct Prefix {
    std::uint16_t length;
    TopicSet topics;
    auto operator<=>(const Prefix&) const = default;
  };
  [[nodiscard]] Prefix read(std::string_view prefix) const;

  std::span<const std::string> topics_;
  std::vector<Prefix> kept_;  // in their order
  TopicSet covered_ = 0;
};

}  // namespace herd::node

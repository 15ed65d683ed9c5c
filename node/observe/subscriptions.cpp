#include "node/observe/subscriptions.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::node {

Subscriptions::Subscriptions(std::span<const std::string> topics) : topics_(topics) {
  HERD_ASSERT(topics.size() <= kMostTopics);
}

Subscriptions::Prefix Subscriptions::read(std::string_view prefix) const {
  TopicSet topics = 0;
  for (std::size_t topic = 0; topic < topics_.size(); ++topic) {
    if (topics_[topic].starts_with(prefix)) topics = static_cast<TopicSet>(topics | 1U << topic);
  }
  return {static_cast<std::uint16_t>(prefix.size()), topics};
}

TopicSet Subscriptions::add(std::string_view prefix) {
  const Prefix read_prefix = read(prefix);
  if (read_prefix.topics == 0) return 0;
  const auto position = std::lower_bound(prefixes_.begin(), prefixes_.end(), read_prefix);
  if (position != prefixes_.end() && *position == read_prefix) return 0;
  prefixes_.insert(position, read_prefix);
  const auto fresh = static_cast<TopicSet>(read_prefix.topics & ~covered_);
  covered_ = static_cast<TopicSet>(covered_ | fresh);
  return fresh;
}

TopicSet Subscriptions::remove(std::string_view prefix) {
  const Prefix read_prefix = read(prefix);
  const auto position = std::lower_bound(prefixes_.begin(), prefixes_.end(), read_prefix);
  if (read_prefix.topics == 0 || position == prefixes_.end() || *position != read_prefix) return 0;
  prefixes_.erase(position);
  TopicSet left = 0;
  for (const Prefix& rest : prefixes_) left = static_cast<TopicSet>(left | rest.topics);
  const auto gone = static_cast<TopicSet>(covered_ & ~left);
  covered_ = left;
  return gone;
}

}  // namespace herd::node

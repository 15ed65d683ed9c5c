#include "node/observe/stats_publisher.hpp"

#include <algorithm>
#include <chrono>

#include "node/observe/monitor_limits.hpp"

namespace herd::node {

using protocol::Nanoseconds;
using protocol::Now;

namespace {

constexpr Nanoseconds kInterval = std::chrono::seconds(1);

}  // namespace

bool StatsPublisher::serve(const Now& now) {
  const Monitor::News news = monitor_.serve(now.steady);
  if (news.stats_wanted) due_ = std::min<Nanoseconds>(due_, published_ + kStatsSpacing);
  if (!wanted() || now.steady < due_) return news.more;
  events_.publish(monitor_, status_());
  published_ = now.steady;
  due_ = now.steady + kInterval;
  return monitor_.send(now.steady) || news.more;
}

Nanoseconds StatsPublisher::next_deadline() const {
  return wanted() ? std::min(monitor_.next_deadline(), due_) : monitor_.next_deadline();
}

}  // namespace herd::node

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

void add_monitor(Status& status, const Monitor& monitor) {
  const Viewers::Counters& viewers = monitor.viewers().counters();
  status.counters["monitor_published"] = monitor.published();
  status.counters["monitor_overflows"] = viewers.overflows;
  status.counters["monitor_viewers_accepted"] = viewers.accepted;
  status.counters["monitor_viewers_refused"] = viewers.refused;
  status.counters["monitor_viewers_cut"] = viewers.cut;
}

}  // namespace herd::node

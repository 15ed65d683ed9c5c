// The words between an event stream of the HTTP thread and its watch in the loop. Values; see each.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace herd::node::api {

// The name of an event stream. Odd, so that it differs from the keys of connections in Asking::take_due().
using ViewerKey = std::uint64_t;

// What an event stream tells its watch.
enum class ViewerNews {
  Taken,  // its client has taken what was written: write more
  Gone,   // its client has left, or the stream has ended
};

// Takes lines of events from the loop; `is_last`: the watch is over. Called on the loop thread; does not block.
using EventSink = std::function<void(std::string lines, bool is_last)>;

// The lines of events that wait for one client, in the form of the line protocol: about 30 events. As JSON, on their
// way to the kernel, they take up to four times as much. So 1,000 viewers that never read take about 20 MB.
inline constexpr std::size_t kMaxViewerBytes = std::size_t{4} * 1024;

}  // namespace herd::node::api

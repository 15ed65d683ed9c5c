// A connection of a random history: its watches at a node, its reader, which reads at its own pace, and the judges of
// its watches. For tests only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "node/watches/registry.hpp"
#include "node/watches/watcher.hpp"
#include "tests/model/model_node.hpp"
#include "tests/model/watch_judge.hpp"
#include "tests/model/watch_reader.hpp"

namespace herd::model {

class Connection {
 public:
  struct Options {
    std::uint64_t key = 0;
    std::size_t node = 0;   // the number of its node
    std::size_t limit = 0;  // bytes of output that are not read; writing stops there
    std::string sees;       // the prefix of the clients that it may see
  };
  // The node and its registry must outlive the connection.
  struct Place {
    const ModelNode& node;
    node::watches::WatchRegistry& registry;
  };
  Connection(const Place& place, Options options, EpochOf epoch_of);

  // Sends a WATCH, which the node executes at once. `earlier`: the watch that it resumes. `is_full`: the node has
  // max_per_node watches. Throws Fault if the answer is not the one that the page demands. Returns the answer.
  struct Sent {
    std::string command;
    std::optional<WatchView> earlier;
    bool is_full = false;
  };
  std::string watch(const Sent& sent, protocol::Now now);
  // The last WATCH was refused only because of max_per_node.
  [[nodiscard]] bool was_refused_by_limit() const { return was_refused_by_limit_; }
  void unwatch(const std::string& tag, protocol::Now now);

  // The record of this client changed at the node.
  void changed(const std::string& client, protocol::Now now);
  // The registry says that there is something to write.
  void announce() { is_due_ = true; }
  // Lets the node write for at most `steps` steps, if something is due.
  void write(std::uint64_t steps, protocol::Now now);
  // The reader reads at most `lines` lines.
  void read(std::size_t lines);

  // The node stops: all watches end with `stopping`. The reader reads everything.
  void stop(protocol::Now now);
  // The connection's input ends: from now on the node only completes snapshots. The reader must have read everything
  // that is written.
  void end_input();
  // Everything is written and read after end_input(). Throws Fault.
  void judge_end() const;

  // Everything is written and read: compares what the reader believes with the node's records. Throws Fault.
  [[nodiscard]] bool is_read() const { return lines_.empty(); }
  [[nodiscard]] bool is_drained() const { return !is_due_ && lines_.empty(); }
  void judge(protocol::Now now);

  [[nodiscard]] bool has_tag(const std::string& tag) const { return open_tags_.contains(tag); }
  [[nodiscard]] std::size_t watches() const { return open_tags_.size(); }
  [[nodiscard]] const WatchReader& reader() const { return reader_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const node::watches::Watcher& watcher() const { return watcher_; }
  [[nodiscard]] std::uint64_t lines_read() const { return lines_read_; }
  // The last lines that were read, for people.
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return last_lines_; }

 private:
  enum class Expected : std::uint8_t { Refused, New, Resumed };
  [[nodiscard]] Expected expected(const WatchCommand& command, const Records& records) const;
  void take_lines(Nanoseconds clock);
  void check_resumed(const WatchView& view, bool is_ready) const;
  // The line belongs to a watch without READY.
  [[nodiscard]] bool is_opening(const std::string& line) const;

  struct Line {
    std::string text;
    Nanoseconds clock;
  };
  const ModelNode& node_;
  Options options_;
  WatchReader reader_;
  node::watches::Watcher watcher_;
  std::string output_;     // not read; the lines of lines_ with their ends
  std::size_t split_ = 0;  // bytes of output_ that are in lines_
  std::deque<Line> lines_;
  std::deque<std::string> last_lines_;
  std::uint64_t lines_read_ = 0;
  std::map<std::string, WatchJudge> judges_;  // by tag
  std::set<std::string> unmoved_;             // tags of watches since which no record changed, and no older lines wait
  std::set<std::string> open_tags_;           // of the watches that the node has not ended
  std::optional<Nanoseconds> quiet_until_;    // next_due() after everything was written; nullopt: something changed
  bool is_due_ = false;
  bool was_refused_by_limit_ = false;
  bool is_ending_ = false;  // its input has ended
};

}  // namespace herd::model

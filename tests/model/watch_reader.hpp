// The reader of one connection: separates answers from pushes, and gives each watch's events to its view. Throws Fault.
// For tests only.
//
//   WatchReader reader([](std::string_view) { return 0U; });
//   reader.sent("WATCH w ALL");
//   reader.read("WATCHING w f1 new", now);
//   reader.read("! w 0 HERE AT Hill +0.000000001 car +1+2 5", now);
//   reader.read("! w 7 READY 1", now);
//   reader.view("w")->members();  // contains car
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/watch_view.hpp"

namespace herd::model {

class WatchReader {
 public:
  explicit WatchReader(EpochOf epoch_of) : epoch_of_(std::move(epoch_of)) {}

  // The connection sent this command, without its line end. `earlier`: the watch that it resumes with from=.
  void sent(std::string_view command, std::optional<WatchView> earlier = {});

  // A line that the connection received, without LF. `clock`: the node's clock when it wrote the line.
  void read(std::string_view line, Nanoseconds clock);

  // The watch with this tag, also if it ended; nullptr if none began.
  [[nodiscard]] const WatchView* view(const std::string& tag) const;
  [[nodiscard]] WatchView* view(const std::string& tag);
  [[nodiscard]] const std::map<std::string, WatchView>& views() const { return views_; }

  // Commands without an answer yet, and whether the last answer lacks lines.
  [[nodiscard]] std::size_t due() const { return due_.size(); }

  // The lines of the last whole answer, with their line ends.
  [[nodiscard]] const std::string& last_answer() const { return last_answer_; }

 private:
  struct Due {
    std::string command;
    std::optional<WatchView> earlier;
  };
  void read_event(std::string_view line, Nanoseconds clock);
  void read_answer(std::string_view line, Nanoseconds clock);
  void begin_watch(const Due& due, std::string_view line, Nanoseconds clock);

  EpochOf epoch_of_;
  std::deque<Due> due_;
  std::string answer_;  // the lines of an answer that is not whole
  std::string last_answer_;
  std::map<std::string, WatchView> views_;  // by tag
};

}  // namespace herd::model

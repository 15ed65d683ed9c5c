// What the reader of one watch believes, by the lines that it read. Checks the form of each event, and all that a
// reader can check alone: docs/PROTOCOL.md, Watching. Throws Fault. For tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/model/texts.hpp"

namespace herd::model {

// The epoch of the report with this AT line. A reader cannot know it; a test does.
using EpochOf = std::function<std::uint32_t(std::string_view at)>;

// A client that the reader believes inside.
struct Member {
  At at;
  Age age;
  std::optional<Nanoseconds> moved;  // the clock of its last MOVE, also before it left and entered again
};

// A LEAVE of a live watch, for the judge.
struct Leave {
  std::string client;
  std::string known_at;  // the AT line that the reader had before
  std::string at;        // the AT line of the event
  bool is_beyond;        // perhaps beyond the slack round the last CENTRE
};

class WatchView {
 public:
  // `clock`: the node's clock when it wrote the line WATCHING.
  WatchView(WatchCommand command, EpochOf epoch_of, std::string feed, Nanoseconds clock);
  // The answer was `resumed`: keeps what `earlier` believed. Throws if that is not the watch that the command resumes.
  void resume(const WatchView& earlier);

  // An event, without `! <tag> `. `clock`: the node's clock when it wrote the line.
  void read(std::string_view event, Nanoseconds clock);

  enum class Phase : std::uint8_t { Snapshot, Live, Ended };
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const WatchCommand& command() const { return command_; }
  [[nodiscard]] const std::string& feed() const { return feed_; }
  [[nodiscard]] bool was_resumed() const { return resumed_; }
  // Where to resume.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::map<std::string, Member>& members() const { return members_; }
  // The last CENTRE; nullopt if the centre is a point, or was reset.
  [[nodiscard]] const std::optional<Member>& centre() const { return centre_; }
  // The HERE lines came nearest first. They must if no client moves between WATCH and READY.
  [[nodiscard]] bool is_in_order() const { return in_order_; }
  [[nodiscard]] const std::string& end_reason() const { return end_reason_; }
  [[nodiscard]] Nanoseconds last_line() const { return last_line_; }
  // The clients of the lines before READY of a resumed watch.
  [[nodiscard]] const std::vector<std::string>& changed() const { return changed_; }
  // The members that are beyond the radius by what the reader knows. It does not know of a report that moved a client
  // without a later time.
  [[nodiscard]] std::vector<At> members_in_ring() const;
  // The LEAVEs since the last call.
  [[nodiscard]] std::vector<Leave> take_leaves() { return std::exchange(leaves_, {}); }

 private:
  enum class Where : std::uint8_t { Inside, Ring, Outside };  // by what the reader knows; Ring: within the slack
  [[nodiscard]] bool is_circle() const { return command_.kind == WatchCommand::Kind::Circle; }
  [[nodiscard]] bool has_centre_client() const { return is_circle() && !command_.circle.client.empty(); }
  [[nodiscard]] const Point& middle() const { return centre_ ? centre_->at.point : command_.circle.centre; }
  [[nodiscard]] bool may_be_inside(const At& at, std::int64_t slack) const;
  [[nodiscard]] bool may_be_outside(const At& at, std::int64_t slack) const;
  // Reads `[<km> <bearing>] <AT line>`.
  [[nodiscard]] At take_at(std::string_view text) const;
  // Checks that the client's events do not descend; returns the age.
  Age take_age(const At& at);

  void here(std::string_view rest);
  void ready(std::string_view rest);
  void enter(std::string_view rest);
  void move(std::string_view rest, Nanoseconds clock);
  void leave(std::string_view rest);
  void centre(std::string_view rest);
  void gone(std::string_view rest);
  void tick(std::string_view rest, Nanoseconds clock);
  void end(std::string_view rest);

  WatchCommand command_;
  EpochOf epoch_of_;
  std::string feed_;
  Phase phase_ = Phase::Snapshot;
  bool resumed_ = false;
  bool centre_gone_ = false;  // until the next CENTRE all members leave
  std::uint64_t number_ = 0;
  std::uint64_t here_lines_ = 0;
  std::int64_t nearest_ = 0;  // of the next HERE: its distance cannot be less
  std::string nearest_client_;
  bool in_order_ = true;
  std::map<std::string, Member> members_;
  std::map<std::string, Age> ages_;           // of each client's last event
  std::map<std::string, Nanoseconds> moved_;  // the clock of each client's last MOVE
  std::optional<Member> centre_;
  std::string end_reason_;
  Nanoseconds last_line_;
  std::vector<std::string> changed_;
  std::vector<Leave> leaves_;
};

}  // namespace herd::model

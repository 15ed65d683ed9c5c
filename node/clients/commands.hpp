// Executes one line of a client: tells the replica what it says, and appends the reply to the connection's queue. A
// WHATSAT that needs places comes up as a Lookup, which the front end asks for. Used on the loop's thread only; owns
// nothing that it is given.
#pragma once

#include <optional>
#include <string_view>

#include "bus/replica/replica.hpp"
#include "node/base/inplace_vector.hpp"
#include "node/base/limits.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/reply_queue.hpp"
#include "node/config/config.hpp"
#include "node/places/client.hpp"
#include "protocol/clock.hpp"
#include "protocol/command.hpp"

namespace herd::node {

// A reserved slot, and what must be asked to fill it.
struct Lookup {
  ReplyQueue::SlotId slot = 0;
  places::Query query;
};

// One line from a client, without its line end, and what it says. The views must outlive it.
struct Line {
  // `line_is_logged`: the log may want lines and replies, which is asked once for many of them.
  Line(std::string_view line, std::string_view client, bool line_is_logged = true)
      : text(line), from(client), is_logged(line_is_logged), command(protocol::parse_command(line)) {}

  std::string_view text;
  std::string_view from;  // the client's address, for the log
  bool is_logged;
  protocol::Command command;
  bus::Store::ClientKey key_of;  // the client of an IAMAT that was expected; otherwise empty
};

// A few lines that are executed in one go.
using Lines = InplaceVector<Line, kLinesAhead>;

class Commands {
 public:
  struct Parts {
    bus::Replica& replica;
    const ClientsConfig& config;  // may change between two lines: a reload
    Counters& counters;
    ClientWarnings& warnings;
    const LoopClock& clock;
  };

  explicit Commands(const Parts& parts) : parts_(parts) {}

  // These lines will be executed soon, all of them: looks ahead for what they need. Worth it from a handful on.
  void expect(Lines& lines) const;

  // Appends the reply to `replies`, or reserves a slot there and returns what must be looked up for it.
  [[nodiscard]] std::optional<Lookup> execute(const Line& line, ReplyQueue& replies);

 private:
  [[nodiscard]] std::optional<Lookup> whatsat(const Line& line, const protocol::Whatsat& asked, ReplyQueue& replies);
  void iamat(const Line& line, const protocol::Iamat& said, ReplyQueue& replies);
  void unknown(const Line& line, ReplyQueue& replies);
  void invalid(const Line& line, std::string_view reason, ReplyQueue& replies);

  // Why a command gets no reply, or a copy of itself where the configuration says so.
  struct Refusal {
    ClientWarning kind;
    std::string_view event;
    std::string_view reason;
  };
  void refuse(const Line& line, const Refusal& refusal, ReplyQueue& replies);
  [[nodiscard]] bool has_room_for(std::string_view client) const;

  Parts parts_;
};

// Ends a WHATSAT's reply, behind the document, which has no newlines at its end.
inline constexpr std::string_view kAfterDocument = "\n\n";

}  // namespace herd::node

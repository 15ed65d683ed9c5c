// Executes the command in one line of a client: gives a report to the replica, and appends the reply to the
// connection's queue. A WHATSAT that needs places returns a Lookup, which the front end sends to the places worker.
// Owned by the front end, shared by all its sessions, used on the loop's thread only. Does not own its parts.
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

// A places query, and the reply slot that its document completes.
struct Lookup {
  ReplyQueue::SlotId slot = 0;
  places::Query query;
};

// One line from a client, without its line end, and the command in it. The texts of both views must outlive it.
struct Line {
  // `line_is_logged`: whether the log level is debug. The caller reads the level once for several lines.
  Line(std::string_view line, std::string_view client, bool line_is_logged = true)
      : text(line), from(client), is_logged(line_is_logged), command(protocol::parse_command(line)) {}

  std::string_view text;
  std::string_view from;  // the client's address, for the log
  bool is_logged;
  protocol::Command command;
  bus::Store::ClientKey key_of;  // set by Commands::prefetch() for an IAMAT; otherwise empty
};

// A few lines that are executed together.
using Lines = InplaceVector<Line, kLinesAhead>;

class Commands {
 public:
  struct Parts {
    bus::Replica& replica;
    const ClientsConfig& config;  // a reload may change it between two lines
    Counters& counters;
    ClientWarnings& warnings;
    const LoopClock& clock;
  };

  explicit Commands(const Parts& parts) : parts_(parts) {}

  // Loads the records of the lines' clients into the processor's cache, and sets key_of of each line. Execute all of
  // these lines soon afterwards, before other data replaces the records in the cache. Saves time from kLinesExpected
  // lines on.
  void prefetch(Lines& lines) const;

  // Appends the reply to `replies`, or reserves a slot there and returns the lookup that must complete it. Some
  // commands have no reply: a blank line, a line of HTTP (the session answers it), and by default invalid operands. An
  // AT or IGNORE waits in `replies` until its change number is acknowledged.
  [[nodiscard]] std::optional<Lookup> execute(const Line& line, ReplyQueue& replies);

 private:
  [[nodiscard]] std::optional<Lookup> whatsat(const Line& line, const protocol::Whatsat& query, ReplyQueue& replies);
  void iamat(const Line& line, const protocol::Iamat& report, ReplyQueue& replies);
  void unknown(const Line& line, ReplyQueue& replies);
  void invalid(const Line& line, std::string_view reason, ReplyQueue& replies);

  // Why a command is refused. It gets no reply, or `? ` and its line if invalid_arguments is "reply".
  struct Refusal {
    ClientWarning kind;
    std::string_view event;
    std::string_view reason;
  };
  void refuse(const Line& line, const Refusal& refusal, ReplyQueue& replies);
  [[nodiscard]] bool may_store(std::string_view client) const;

  Parts parts_;
};

// Follows the document in a WHATSAT's reply. The document itself does not end with a newline.
inline constexpr std::string_view kAfterDocument = "\n\n";

}  // namespace herd::node

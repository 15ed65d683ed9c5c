// Executes the command in one line of a client: gives a report to the replica, and appends the reply to the
// connection's queue. The session itself executes AUTH, QUIT and lines of HTTP, because they change what it reads. A
// WHATSAT that needs places returns a Lookup, which the front end sends to the places worker. A query that is not
// complete at once returns a PendingQuery, which the front end continues. Owned by the front end, shared by all its
// sessions, used on the loop's thread only. Does not own its parts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "bus/replica/replica.hpp"
#include "node/area/query.hpp"
#include "node/base/inplace_vector.hpp"
#include "node/base/limits.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/access.hpp"
#include "node/clients/asking.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/command_figures.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/reply_queue.hpp"
#include "node/config/config.hpp"
#include "node/places/client.hpp"
#include "node/watches/watcher.hpp"
#include "protocol/clock.hpp"
#include "protocol/command.hpp"

namespace herd::node {

// A places query, and the reply slot that its document completes.
struct Lookup {
  ReplyQueue::SlotId slot = 0;
  places::Query query;
};

// A query that is not complete yet, and the reply slot for its answer.
struct PendingQuery {
  ReplyQueue::SlotId slot = 0;
  Asking::Running running;
};

// What a command left for its owner to complete.
using Outstanding = std::variant<std::monostate, Lookup, PendingQuery>;

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

// The connection of a line: what commands need to know of it, and what they keep there. Owned by the session.
struct Caller {
  Access access;
  std::size_t max_line_bytes = 0;
  bool tls = false;
  std::uint64_t key = 0;                           // the owner's name for the connection
  std::unique_ptr<watches::Watcher> watcher = {};  // nullptr: the connection has not watched
  std::string_view refusal{};  // why the last line that was refused or dropped was so, for WHY; a literal; empty: none
};

// Whether a line and the reply to it may be logged. False for a line that may contain a token: an AUTH, and any line
// before it, such as "auth" with a token.
[[nodiscard]] bool may_log(std::string_view line, const Access& access);

// The line in a form that is safe in a log, or a note in its place if it may not be logged.
[[nodiscard]] std::string text_for_log(std::string_view line, const Access& access);

// What became of a report, before it is acknowledged.
enum class ReportOutcome : std::uint8_t {
  Stored,      // newer than the record
  NotNewer,    // older than the record, or of its time with other texts
  Duplicate,   // the record itself
  NotAllowed,  // by the rights of the connection
  Invalid,     // an operand is malformed or out of range
  Future,      // its time is further ahead than `max_future`
  Full,        // a new client, and max_clients is reached
};

// A few lines that are executed together.
using Lines = InplaceVector<Line, kLinesAhead>;

class Commands {
 public:
  struct Parts {
    bus::Replica& replica;
    const ClientsConfig& config;  // a reload may change it between two lines
    Counters& counters;
    CommandCounters& figures;
    ClientWarnings& warnings;
    const LoopClock& clock;
    Asking& asking;
  };

  explicit Commands(const Parts& parts) : parts_(parts) {}

  // Loads the records of the lines' clients into the processor's cache, and sets key_of of each line. Execute all of
  // these lines soon afterwards, before other data replaces the records in the cache. Saves time from kLinesExpected
  // lines on.
  void prefetch(Lines& lines) const;

  // Appends the reply to `replies`, or reserves a slot there and returns what must complete it. Some commands have no
  // reply: a blank line, and by default invalid operands. An AT or IGNORE waits in `replies` until its change number is
  // acknowledged. A line of HTTP, a QUIT, and an AUTH where tokens are needed are for the session.
  [[nodiscard]] Outstanding execute(const Line& line, Caller& caller, ReplyQueue& replies);

  struct Report {
    ReportOutcome outcome = ReportOutcome::Stored;
    bus::AcceptOutcome accepted = {};  // of the first three outcomes; else its number is 0
    std::string_view reason = {};      // of the others; a literal
  };
  // The same for a report that has no connection: the rules, counters and log lines are those of execute(), but the
  // outcome is a value, and nothing waits for the acknowledgement. `line` is an IAMAT, valid or not.
  [[nodiscard]] Report report(const Line& line, const Access& access);

  // Whether only IAMAT and WHATSAT are commands.
  [[nodiscard]] bool are_seed_only() const { return parts_.config.commands == CommandSet::Seed; }

 private:
  // A line, and where its reply goes.
  struct Call {
    const Line& line;
    Caller& caller;
    ReplyQueue& replies;
    CommandResult& result;
  };
  [[nodiscard]] Outstanding run(const Call& call);
  [[nodiscard]] std::optional<Lookup> whatsat(const Call& call, const protocol::Whatsat& query);
  [[nodiscard]] Report accept(const Line& line, const protocol::Iamat& report, const Access& access);
  void iamat(const Call& call, const protocol::Iamat& report);
  void whereis(const Call& call, const protocol::Whereis& query);
  void watch(const Call& call, const protocol::Watch& command);
  void unwatch(const Call& call, const protocol::Unwatch& command);
  [[nodiscard]] Outstanding ask(const Call& call, QueryCommand command, const area::Query::Asked& asked);
  void ping(const Call& call, const protocol::ClientPing& ping);
  void help(const Call& call, const protocol::Help& help);
  void info(const Call& call);
  void why(const Call& call);
  void unknown(const Call& call, std::string_view reason);
  void invalid(const Call& call, std::string_view reason);
  void refused(const Call& call, std::string_view reason);
  // Refuses the line if the token permits no queries.
  [[nodiscard]] bool may_query(const Call& call);
  void not_allowed(const Call& call, std::string_view reason);

  // Why a command is refused. It gets no reply, or `? ` and its line if invalid_arguments is "reply".
  struct Refusal {
    ClientWarning kind;
    std::string_view event;
    std::string_view reason;
  };
  void refuse(const Call& call, const Refusal& refusal);
  // Appends one reply by `append(out)`, and logs it if the line is logged.
  template <typename Append>
  static void reply(const Call& call, std::string& out, Append append);
  static void copy_line(const Call& call, std::string_view reason);
  [[nodiscard]] bool may_store(std::string_view client) const;

  Parts parts_;
};

// Follows the document in a WHATSAT's reply. The document itself does not end with a newline.
inline constexpr std::string_view kAfterDocument = "\n\n";

}  // namespace herd::node

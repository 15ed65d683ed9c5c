// The protocol state of one client connection: bytes in, replies out, and places lookups in between.
//
// A session has no socket, and reads the time only from the loop's clock. So tests reach every bound without a socket
// and without waiting. Owned by a Connection (node/clients/connection.hpp), which has the socket. Used on the loop's
// thread only. An idle session holds no buffer.
//
// The owner's cycle: receive() while wants_bytes(); take_outstanding(), and later answer() for each of
// its parts; refuse_token() when token_refused_at() has come; send output() and report it by sent(); when ending() is
// no longer NotYet, close or half-close the connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/limits.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/access.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/commands.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/reply_memory.hpp"
#include "node/clients/reply_queue.hpp"
#include "node/config/config.hpp"
#include "protocol/clock.hpp"
#include "protocol/line_buffer.hpp"

namespace herd::node {

class Session {
 public:
  // Shared by all sessions; must outlive them.
  struct Parts {
    Commands& commands;
    const ClientsConfig& config;  // a reload changes it: max_line_bytes for new sessions, the rest at once
    Counters& counters;
    ClientWarnings& warnings;
    const LoopClock& clock;
    BufferPool& buffers;
    ReplyMemory& memory;
    Authenticator& authenticator;
    CommandFigures& figures;
    std::string_view http_answer;  // the reply to a line of HTTP: a complete HTTP response
    // How long a reply may wait for its acknowledgement. May change while sessions exist.
    const std::chrono::milliseconds& ack_timeout = kDefaultAckTimeout;
  };

  enum class Ending : std::uint8_t {
    NotYet,
    Close,      // the client has half-closed, and all replies are sent
    HalfClose,  // all replies are sent, but the client may still send: discard its input before closing
  };

  // How the client is connected.
  struct Origin {
    std::uint64_t network = 0;  // its address for limits, as ClientAddresses::network_of()
    bool tls = false;
    std::uint64_t key = 0;  // the owner's name for the connection: Asking::take_due() gives it
  };

  // `from`: the client's address, for the log. `parts` must outlive the session.
  Session(const Parts& parts, std::string from, Origin origin);
  Session(const Session&) = delete;  // its bytes are counted in parts.memory
  Session& operator=(const Session&) = delete;
  ~Session() { parts_.memory.change(counted_, 0); }

  // Processes `chunk`, which the client sent. The session copies what it needs, so the caller may reuse the memory.
  // Call it only while wants_bytes(), with at most Parts::memory.read_bytes().
  void receive(std::span<const char> chunk);

  // The client has half-closed: input without a line end is its last line.
  void receive_end();

  // Completes the reply of a slot that take_outstanding() returned: with a document without a newline at its end, or
  // with all lines of the answer to a query. Call it once for each slot.
  enum class Answer : std::uint8_t { Document, Query };
  void answer(ReplyQueue::SlotId slot, std::string_view text, Answer answer = Answer::Document);

  // Updates up to and including this change number are acknowledged: the replies that waited for them become output.
  void release(bus::ChangeNumber acknowledged);

  // The greatest change number that a reply waits for; 0 if no reply waits.
  [[nodiscard]] bus::ChangeNumber awaited() const { return replies_.awaited(); }

  // Whether the oldest waiting reply has waited for ack_timeout or longer.
  [[nodiscard]] bool is_unacknowledged() const;

  // The node stops: the session reads no more input, and answers the complete lines that it has received.
  void finish();

  // When to answer a wrong token, in steady time: kAuthDelay after it came. Until then no further line is executed.
  // nullopt if there is none.
  [[nodiscard]] std::optional<protocol::Nanoseconds> token_refused_at() const { return token_refused_at_; }
  void refuse_token();

  // Ends the session if its token was revoked or has expired. Returns whether it does. Call it about once per second;
  // lines that come later are judged by receive() itself.
  bool end_if_revoked();

  // The lookups that became necessary since the last call, and the queries that were not complete at once. The owner
  // must work on them, and call answer() for each of them later.
  struct Begun {
    std::vector<Lookup> lookups;
    std::vector<PendingQuery> queries;
  };
  [[nodiscard]] Begun take_outstanding();

  // Writes the events of watches that are due to the output, until the slice is over, or until more than kMaxEventBytes
  // wait for the client: so events alone never keep commands from being read.
  enum class Events : std::uint8_t {
    Written,  // all
    Waiting,  // more are due: call it again, in this loop iteration or the next one
    Blocked,  // nothing was written, as too much output waits: call it again when output was sent
  };
  [[nodiscard]] Events write_events(area::Slice& slice);

  // The bytes that can be sent now. Valid until the next call of a function that is not const.
  [[nodiscard]] std::string_view output() const { return replies_.ready_bytes(); }

  // The first `count` bytes of output() were sent; `count` is at least 1.
  void sent(std::size_t count);

  // Whether the owner should read from the client. False after the end of input. Also false while complete lines wait
  // because the session is full: it has too many lookups, too many reads with unacknowledged replies, or too much
  // output (node/base/limits.hpp).
  [[nodiscard]] bool wants_bytes() const;

  [[nodiscard]] Ending ending() const;

  // Whether the connection should be closed: for idle_timeout either no byte was received or sent and no reply was due,
  // or output waited and the client took none of it.
  [[nodiscard]] bool is_overdue() const;

  // Whether a complete line has come, or a last one without a line end; and a right token, if one is needed.
  [[nodiscard]] bool is_established() const { return has_line_ && !caller_.access.is_locked(); }

  // When a byte was last received or sent, in steady time.
  [[nodiscard]] protocol::Nanoseconds last_active() const { return std::max(last_received_, last_sent_); }

  [[nodiscard]] const std::string& from() const { return from_; }

 private:
  enum class Input : std::uint8_t {
    Open,
    Ended,     // the client has half-closed; its last line is not executed yet
    Done,      // the client has half-closed, and its last line is executed
    Ignored,   // a line was too long or of HTTP, or QUIT; or the token is wrong, revoked or expired
    Finished,  // the node stops
  };

  void handle_lines();
  void read_ahead(Lines& lines);
  void execute(const Line& line);
  void authenticate(const protocol::Auth& auth);
  void accept_token();
  void handle_end_of_chunk();
  void ignore_input();
  [[nodiscard]] bool is_watching() const { return caller_.watcher && caller_.watcher->size() > 0; }
  void end_watches(watches::EndReason reason);
  void refuse_line();
  void refuse_http(const Line& line);
  [[nodiscard]] bool is_full();
  void report_held(std::size_t held);
  void count_memory();

  const Parts& parts_;
  std::string from_;
  protocol::LineBuffer lines_;
  ReplyQueue replies_;
  Begun begun_;
  Caller caller_;
  std::optional<protocol::Nanoseconds> token_refused_at_;
  Input input_ = Input::Open;
  std::uint8_t wrong_tokens_ = 0;
  bool lines_wait_ = false;  // lines_ holds complete lines, which wait until the session is no longer full
  bool has_line_ = false;
  bool output_full_ = false;   // output passed its limit, and has not yet fallen to half of it
  std::uint32_t counted_ = 0;  // bytes of this session in parts_.memory
  protocol::Nanoseconds last_received_;
  protocol::Nanoseconds last_sent_;  // the last time when bytes were sent, or when empty output became non-empty
};

}  // namespace herd::node

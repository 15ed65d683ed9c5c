// One client's conversation: bytes in, replies out, and what must be looked up in between. It knows neither sockets nor
// clocks, so that every bound of it can be tested without them; node/clients/connection.hpp puts it on a socket. Used
// on the loop's thread only. Between two lines it holds no buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/limits.hpp"
#include "node/base/loop_clock.hpp"
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
  // What all sessions share; it must outlive them.
  struct Parts {
    Commands& commands;
    const ClientsConfig& config;  // max_line_bytes counts for sessions that begin later, the rest at once
    Counters& counters;
    ClientWarnings& warnings;
    const LoopClock& clock;
    BufferPool& buffers;
    ReplyMemory& memory;
    std::string_view http_answer;                                       // to a client that speaks HTTP
    const std::chrono::milliseconds& ack_timeout = kDefaultAckTimeout;  // for a reply to be acknowledged; may change
  };

  enum class Ending : std::uint8_t {
    NotYet,
    Close,      // the client has half-closed, and all is said
    HalfClose,  // all is said, but the client may still be sending: what comes must be discarded before closing
  };

  // `from`: the client's address, for the log.
  Session(const Parts& parts, std::string from);
  Session(const Session&) = delete;  // its memory is counted
  Session& operator=(const Session&) = delete;
  ~Session() { parts_.memory.change(counted_, 0); }

  // The client sent `chunk`, which may change afterwards. Only while wants_bytes().
  void receive(std::span<const char> chunk);

  // The client has half-closed: what stands unterminated is its last line.
  void receive_end();

  // The document for a slot of take_lookups() came, without newlines at its end.
  void answer(ReplyQueue::SlotId slot, std::string_view document);

  // Updates up to this change number are acknowledged now: replies that waited for them may leave.
  void release(bus::ChangeNumber acknowledged);

  // The greatest change number that a reply waits for; 0: none does.
  [[nodiscard]] bus::ChangeNumber awaited() const { return replies_.awaited(); }

  // A reply has waited longer than ack_timeout.
  [[nodiscard]] bool is_unacknowledged() const;

  // The node stops: what was heard is still answered, and nothing more is wanted.
  void finish();

  // Lookups that became necessary since the last call; each must be answered in the end.
  [[nodiscard]] std::vector<Lookup> take_lookups();

  // What can be sent now.
  [[nodiscard]] std::string_view output() const { return replies_.ready_bytes(); }

  // The first `count` bytes of the output were sent, at least one.
  void sent(std::size_t count);

  // Whether more should be read: false while too many lookups or too much output wait, and after the end of input.
  [[nodiscard]] bool wants_bytes() const;

  // How many bytes it should be given at most in one go.
  [[nodiscard]] std::size_t wanted_bytes() const { return parts_.memory.read_bytes(); }

  [[nodiscard]] Ending ending() const;

  // Neither a byte nor a reply for idle_timeout, or output that could not be sent for as long.
  [[nodiscard]] bool is_overdue() const;

  // When a byte last came or went, in steady time.
  [[nodiscard]] protocol::Nanoseconds last_active() const { return std::max(last_received_, last_sent_); }

  [[nodiscard]] const std::string& from() const { return from_; }

 private:
  enum class Input : std::uint8_t {
    Open,
    Ended,     // the client has half-closed; its last line is not looked at yet
    Done,      // ... and now it is
    Refused,   // a line was too long, or of HTTP
    Finished,  // the node stops
  };

  void handle_lines();
  void read_ahead(Lines& lines);
  void execute(const Line& line);
  void handle_end_of_chunk();
  void refuse_line();
  void refuse_http(const Line& line);
  [[nodiscard]] bool is_full();
  void report_held(std::size_t held);
  void count_memory();

  const Parts& parts_;
  std::string from_;
  protocol::LineBuffer lines_;
  ReplyQueue replies_;
  std::vector<Lookup> lookups_;
  Input input_ = Input::Open;
  bool lines_wait_ = false;   // lines_ holds lines that can only be executed when the session is no longer full
  bool output_full_ = false;  // above the limit of its output, and not yet down to half of it
  std::size_t counted_ = 0;   // its part of parts_.memory
  protocol::Nanoseconds last_received_;
  protocol::Nanoseconds last_sent_;  // or when the output ceased to be empty, if that was later
};

}  // namespace herd::node

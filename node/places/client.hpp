// The loop's side of the places: asks the worker (worker.hpp) and collects its answers. It owns one DEALER, never
// blocks, and every ticket it gives out is answered exactly once: by the worker, or by itself with a failure document
// where the worker does not answer in time or cannot be asked. The thread that made it is the only one to use it (the
// loop's).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "node/places/document.hpp"
#include "node/places/query.hpp"
#include "protocol/clock.hpp"

namespace herd::node::places {

struct Answer {
  Ticket ticket = 0;
  std::string_view document;  // JSON without a newline at its end; until the next call of poll()
};

// Rising only.
struct Counters {
  std::uint64_t asked = 0;       // every ticket
  std::uint64_t answered = 0;    // by the worker, in time
  std::uint64_t timed_out = 0;   // answered here, since the worker did not
  std::uint64_t refused = 0;     // answered here at once: too many under way, or the worker cannot be reached
  std::uint64_t late = 0;        // answers to tickets that had timed out: dropped
  std::uint64_t unreadable = 0;  // messages that are no answers: dropped
  std::array<std::uint64_t, kStatuses> by_status{};  // of all answers handed out, indexed by Status
};

class Client {
 public:
  // Tickets under way at a time; beyond it OVER_QUERY_LIMIT at once. A node's worth of clients asking within one
  // timeout.
  static constexpr std::size_t kMaxPending = 4096;

  // `endpoint`: the worker's. It may be bound later. `timeout`: from ask() to the answer, more than 0.
  Client(zmq::context_t& context, const std::string& endpoint, std::chrono::milliseconds timeout);

  // With max 0 nobody is asked: the answer is OK and empty. A query out of range is answered INVALID_REQUEST. Call
  // poll() after it, as after every wake-up: ZMQ_FD tells of an edge only, and an answer may be ready here already.
  Ticket ask(const Query& query, protocol::Now now);

  // The next answer, in no particular order; call it until it returns nothing.
  std::optional<Answer> poll(protocol::Now now);

  // Readable when poll() should be called; edge-triggered.
  [[nodiscard]] int fd() const;

  // When poll() should be called even if fd() says nothing, on the steady clock.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

  // Tickets whose answer was not handed out yet.
  [[nodiscard]] std::size_t pending() const { return waiting_.size() + ready_.size(); }

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Ready {
    Ticket ticket;
    std::string document;
    Status status;
    protocol::Nanoseconds since;
  };

  [[nodiscard]] bool send(Ticket ticket, const Query& query);
  [[nodiscard]] std::optional<Answer> receive();
  void answer_here(Ticket ticket, Status status, std::string_view message, protocol::Now now);
  [[nodiscard]] Answer hand_out(const Answer& answer, Status status);
  [[nodiscard]] Answer hand_out_own(Ready ready);

  zmq::socket_t dealer_;
  std::chrono::milliseconds timeout_;
  Ticket last_ticket_ = 0;
  std::map<Ticket, protocol::Nanoseconds>
      waiting_;              // until when; the steady clock never goes back, so the first is due first
  std::deque<Ready> ready_;  // answered here
  zmq::message_t received_;  // what the answer handed out last stands in, or ...
  std::string own_;          // ... its document, where it was answered here
  Counters counters_;
};

}  // namespace herd::node::places

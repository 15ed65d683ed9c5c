// The loop's side of the places: sends queries to the worker (worker.hpp) and collects its answers. It owns a DEALER
// socket and never blocks. Every ticket gets exactly one answer: the worker's, or a failure document if the worker does
// not answer in time or cannot be reached. Used only by the thread that created it, which is the loop's.
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
  std::string_view document;  // JSON without a newline at its end; valid until the next call of poll()
};

// Counted since the start.
struct Counters {
  std::uint64_t asked = 0;       // all tickets
  std::uint64_t answered = 0;    // tickets that the worker has answered in time
  std::uint64_t timed_out = 0;   // tickets that the worker has not answered in time
  std::uint64_t refused = 0;     // tickets refused at once: too many in progress, or the worker cannot be reached
  std::uint64_t late = 0;        // answers to tickets that had timed out, dropped
  std::uint64_t unreadable = 0;  // malformed messages, dropped
  std::array<std::uint64_t, kStatuses> by_status{};  // answers returned by poll(), indexed by Status
};

class Client {
 public:
  // The most tickets in progress; further ones fail at once with OVER_QUERY_LIMIT. It allows for one query of each
  // client of a busy node within a timeout.
  static constexpr std::size_t kMaxPending = 4096;

  // `endpoint` is the worker's; it may be bound later. `timeout`, above 0, is the time from ask() to the answer.
  Client(zmq::context_t& context, const std::string& endpoint, std::chrono::milliseconds timeout);

  // Begins a query. poll() returns its answer later. A query with `max` 0 is answered without the worker, with OK and
  // no results; a query out of range with INVALID_REQUEST. Call poll() after it: an answer may be ready already, and
  // ZMQ_FD signals edges only.
  Ticket ask(const Query& query, protocol::Now now);

  // Returns the next answer, in no particular order. Call it until it returns nullopt.
  std::optional<Answer> poll(protocol::Now now);

  // The descriptor to wait on: readable when poll() should be called. Edge-triggered.
  [[nodiscard]] int fd() const;

  // The steady time at which poll() must be called even if fd() is not readable; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

  // The number of tickets with an answer that poll() has not returned yet.
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
      waiting_;              // deadlines of the tickets at the worker; the lowest ticket has the earliest one
  std::deque<Ready> ready_;  // tickets that this object has answered
  zmq::message_t received_;  // holds the document returned last, if the worker has made it
  std::string_view unread_;  // the answers in received_ that have not been returned yet
  std::string own_;          // holds the document returned last, if this object has made it
  Counters counters_;
};

}  // namespace herd::node::places

#include "node/places/client.hpp"

#include <cerrno>
#include <utility>

#include "node/places/messages.hpp"
#include "protocol/assert.hpp"

namespace herd::node::places {

Client::Client(zmq::context_t& context, const std::string& endpoint, std::chrono::milliseconds timeout)
    : dealer_(context, zmq::socket_type::dealer), timeout_(timeout) {
  // Unsent queries are worthless when this object is gone.
  dealer_.set(zmq::sockopt::linger, 0);
  // The pipe holds all queries that may be in progress. If it is full, the worker has stopped reading, and ask()
  // refuses.
  dealer_.set(zmq::sockopt::sndhwm, static_cast<int>(kMaxPending));
  dealer_.set(zmq::sockopt::rcvhwm, static_cast<int>(kMaxPending));
  const int failed = zmq_connect(dealer_.handle(), endpoint.c_str());
  HERD_ASSERT(failed == 0);  // the endpoint is not input
}

Ticket Client::ask(const Query& query, protocol::Now now) {
  const Ticket ticket = ++last_ticket_;
  ++counters_.asked;
  if (query.max == 0) {
    answer_here(ticket, Status::Ok, "", now);
  } else if (!is_askable(query)) {
    answer_here(ticket, Status::InvalidRequest, "the position, radius or number of places is out of range", now);
  } else if (waiting_.size() >= kMaxPending || !send(ticket, query)) {
    ++counters_.refused;
    answer_here(ticket, Status::OverQueryLimit, "too many lookups of places are under way: ask again in some seconds",
                now);
  } else {
    waiting_.emplace(ticket, now.steady + timeout_);
  }
  return ticket;
}

std::optional<Answer> Client::poll(protocol::Now now) {
  if (!ready_.empty()) {
    Ready ready = std::move(ready_.front());
    ready_.pop_front();
    return hand_out_own(std::move(ready));
  }
  if (auto answer = receive()) {
    return answer;
  }
  if (waiting_.empty() || now.steady < waiting_.begin()->second) {
    return std::nullopt;
  }
  const Ticket ticket = waiting_.begin()->first;
  waiting_.erase(waiting_.begin());
  ++counters_.timed_out;
  return hand_out_own({ticket,
                       empty_document(Status::UnknownError, "the lookup of places took too long: ask again later"),
                       Status::UnknownError, now.steady});
}

int Client::fd() const {
  return dealer_.get(zmq::sockopt::fd);
}

std::optional<protocol::Nanoseconds> Client::next_deadline() const {
  if (!ready_.empty()) {
    return ready_.front().since;
  }
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->second);
}

bool Client::send(Ticket ticket, const Query& query) {
  try {
    return dealer_.send(encode(QueryMessage{ticket, query}), zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {  // the context is ending
    return false;
  }
}

std::optional<Answer> Client::receive() {
  try {
    while (!unread_.empty() || dealer_.recv(received_, zmq::recv_flags::dontwait)) {
      if (unread_.empty()) unread_ = received_.to_string_view();
      const auto answer = take_answer(unread_);
      if (!answer) {
        ++counters_.unreadable;
        unread_ = {};
      } else if (waiting_.erase(answer->ticket) == 0) {
        ++counters_.late;
      } else {
        ++counters_.answered;
        return hand_out({answer->ticket, answer->document}, answer->status);
      }
    }
  } catch (const zmq::error_t& error) {
    // After a signal the waiting messages must still be read: their edge is not signalled again.
    if (error.num() == EINTR) return receive();
  }  // otherwise the context is ending, and the waiting tickets time out
  return std::nullopt;
}

void Client::answer_here(Ticket ticket, Status status, std::string_view message, protocol::Now now) {
  ready_.push_back({ticket, empty_document(status, message), status, now.steady});
}

Answer Client::hand_out(const Answer& answer, Status status) {
  ++counters_.by_status[static_cast<std::size_t>(status)];
  return answer;
}

Answer Client::hand_out_own(Ready ready) {
  own_ = std::move(ready.document);
  return hand_out({ready.ticket, own_}, ready.status);
}

}  // namespace herd::node::places

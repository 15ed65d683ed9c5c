// The part of node/clients/front_end.hpp that continues queries and sends the events of watches.
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "node/clients/front_end.hpp"
#include "node/clients/iteration_time.hpp"

namespace herd::node {

class FrontEnd::Waiter : public Asking::Asker {
 public:
  Waiter(FrontEnd& front_end, const ServedPtr& served, ReplyQueue::SlotId slot)
      : front_end_(front_end), served_(served), slot_(slot) {}

  [[nodiscard]] bool is_gone() const override {
    const ServedPtr served = served_.lock();
    return !served || !served->connection.is_open();
  }
  void answer(std::string text) override {
    const ServedPtr served = served_.lock();
    served->connection.session().answer(slot_, text, Session::Answer::Query);
    front_end_.send_soon(served);
  }

 private:
  FrontEnd& front_end_;
  std::weak_ptr<Served> served_;
  ReplyQueue::SlotId slot_;
};

// Begins the lookups and queries that became necessary.
void FrontEnd::begin_outstanding(const ServedPtr& served) {
  Connection& connection = served->connection;
  Session::Begun begun = connection.session().take_outstanding();
  for (const Lookup& lookup : begun.lookups) {
    if (connection.is_open()) lookups_.emplace(parts_.ask(lookup.query), PendingLookup{served, lookup.slot});
  }
  for (PendingQuery& pending : begun.queries) {
    asking_.wait(std::move(pending.running), std::make_unique<Waiter>(*this, served, pending.slot));
  }
}

bool FrontEnd::ask() {
  asking_.set_limits({parts_.watches.max_per_node, parts_.watches.max_members});
  asking_.set_feed(parts_.replica.self().feed_id);
  const bool is_busy = asking_.work();
  reports_.end_overdue();
  send_delivered();
  note_due_watchers();
  write_events();
  return is_busy || !to_write_.empty();
}

void FrontEnd::write_soon(const ServedPtr& served) {
  if (!std::exchange(served->in_to_write, true)) to_write_.push_back(served);
}

void FrontEnd::note_due_watchers() {
  for (const std::uint64_t key : asking_.take_due()) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): Served::key() made it of the pointer
    const auto* served = reinterpret_cast<const Served*>(key);
    if (served->index < connections_.size() && connections_[served->index].get() == served) {
      write_soon(connections_[served->index]);
    }
  }
}

// Each connection has one turn at most, so that the sockets are polled again between two turns.
void FrontEnd::write_events() {
  if (to_write_.empty() || asking_.index_lags()) return;
  TimeSlice slice(event_time(asking_.elapsed()));
  for (std::size_t turns = to_write_.size(); turns > 0 && !slice.is_over(); --turns) {
    const ServedPtr served = std::move(to_write_.front());
    to_write_.pop_front();
    served->in_to_write = false;
    if (!served->connection.is_open()) continue;
    switch (served->connection.session().write_events(slice)) {
      case Session::Events::Written:
        serve(served);
        break;
      case Session::Events::Waiting:
        write_soon(served);
        serve(served);
        break;
      case Session::Events::Blocked:
        served->events_wait = true;
        break;
    }
  }
}

}  // namespace herd::node

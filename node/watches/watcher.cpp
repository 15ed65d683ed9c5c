#include "node/watches/watcher.hpp"

#include <algorithm>
#include <utility>

#include "node/watches/all_watch.hpp"
#include "node/watches/member_watch.hpp"
#include "node/watches/mutants.hpp"
#include "node/watches/registry.hpp"
#include "protocol/assert.hpp"

namespace herd::node::watches {
namespace {

bool holds_members(const protocol::Watch& command) {
  if (std::holds_alternative<protocol::AllClients>(command.what)) return false;
  const auto* clients = std::get_if<protocol::WatchedClients>(&command.what);
  return clients == nullptr || !clients->is_prefix;
}

// The client in the centre; empty if there is none.
std::string_view centre_of(const protocol::Watch& command) {
  const auto* circle = std::get_if<protocol::Circle>(&command.what);
  return circle == nullptr ? std::string_view{} : circle->centre.client;
}

}  // namespace

Watcher::Watcher(WatchRegistry& registry, Sight sight, std::uint64_t key)
    : registry_(registry), sight_(std::move(sight)), key_(key) {}

Watcher::~Watcher() {
  for_each(used_, [this](std::size_t index) { erase(index); });
  registry_.forget(*this);
}

std::variant<Watcher::Accepted, Watcher::Refused> Watcher::watch(const protocol::Watch& command, protocol::Now now) {
  HERD_ASSERT(registry_.shared_.index.is_active());
  if (const std::string_view reason = reason_to_refuse(command); !reason.empty()) return Refused{reason};
  const bool is_resumed = is_resumable(command);
  const auto index = static_cast<std::size_t>(std::countr_one(used_));
  HERD_ASSERT(index < kMaxWatches);
  if (index >= watches_.size()) watches_.resize(index + 1);
  Owned& owned = watches_[index];
  const Watch::Place at{registry_.shared_, sight_, registry_.take_id()};
  if (holds_members(command)) {
    owned.watch = std::make_unique<MemberWatch>(at, command, is_resumed, now);
  } else {
    owned.watch = std::make_unique<AllWatch>(at, command, is_resumed, now);
  }
  registry_.slots_[at.id] = {owned.watch.get(), this, bit_of(index)};
  used_ |= bit_of(index);
  due_ |= bit_of(index);
  registry_.announce(*this);
  Accepted accepted;
  append_watching(accepted.line, command.tag, registry_.shared_.feed.id, is_resumed);
  return accepted;
}

std::string_view Watcher::reason_to_refuse(const protocol::Watch& command) const {
  const Shared& shared = registry_.shared_;
  const auto has_tag = [&](const Owned& owned) { return owned.watch != nullptr && owned.watch->tag() == command.tag; };
  if (std::any_of(watches_.begin(), watches_.end(), has_tag) && !mutated(Mutant::TagTwice))
    return "a watch with this tag is running: UNWATCH it first";
  if (const std::string_view centre = centre_of(command); !centre.empty()) {
    const auto record = shared.store.find(centre);
    if (!record || bus::is_reset(*record) || !sight_.allows(centre)) return "the client in the centre is not known";
  }
  const bool is_full = size() >= kMaxWatches - (mutated(Mutant::ConnectionLimitTooLow) ? 1 : 0);
  const bool is_node_full = registry_.size() >= shared.limits.max_per_node && !mutated(Mutant::NodeLimitIgnored);
  if (!is_full && !is_node_full) return {};
  if (!mutated(Mutant::RefusalNotCounted)) ++shared.counters.refused;
  return is_full ? "this connection has 64 watches: UNWATCH one first" : "the node has max_per_node watches";
}

bool Watcher::is_resumable(const protocol::Watch& command) const {
  const Shared& shared = registry_.shared_;
  const auto& from = command.options.from;
  if (!from || from->number == 0) return false;
  if (from->feed_id != shared.feed.id && !mutated(Mutant::ForeignFeedResumes)) return false;
  if (from->number < shared.feed.oldest && !mutated(Mutant::FormerRunResumes)) return false;
  if (from->number > shared.store.feed().tail() && !mutated(Mutant::UnknownNumberResumes)) return false;
  const std::string_view centre = centre_of(command);
  return centre.empty() || mutated(Mutant::MovedCentreResumes) || shared.store.number_of(centre) <= from->number;
}

std::optional<std::string> Watcher::unwatch(std::string_view tag) {
  for (std::size_t index = 0; index < watches_.size(); ++index) {
    if (watches_[index].watch == nullptr || watches_[index].watch->tag() != tag) continue;
    std::string line;
    watches_[index].watch->append_end(line, EndReason::Unwatched);
    erase(index);
    return line;
  }
  return std::nullopt;
}

void Watcher::end_all(EndReason reason, std::string& out) {
  for_each(used_, [&](std::size_t index) {
    watches_[index].watch->append_end(out, reason);
    erase(index);
  });
}

void Watcher::finish() {
  if (mutated(Mutant::FinishGoesOn)) return;
  is_finishing_ = true;
  for_each(used_, [this](std::size_t index) {
    if (watches_[index].watch->is_open()) erase(index);
  });
}

bool Watcher::write(Output& out) {
  if (used_ == 0) return false;
  if (mutated(Mutant::OutputUnbounded)) out.limit = SIZE_MAX;
  if (!registry_.shared_.index.is_current()) return true;
  note_time(out.now.steady);
  if (const IndexSet due = std::exchange(due_, 0); due != 0) {  // write_one() adds those that are due again
    const auto skipped = static_cast<std::size_t>(std::countr_zero(std::rotr(due, static_cast<int>(next_turn_))));
    const std::size_t first = (next_turn_ + skipped) % kMaxWatches;
    next_turn_ = (first + 1) % kMaxWatches;
    const auto write_turned = [&](std::size_t turned) { write_one((first + turned) % kMaxWatches, out); };
    for_each(std::rotr(due, static_cast<int>(first)), write_turned);
  }
  registry_.set_timer(*this, due_ != 0 ? std::nullopt : next_due());
  return due_ != 0;
}

void Watcher::note_time(protocol::Nanoseconds now_steady) {
  for_each(timed_, [&](std::size_t index) {
    if (watches_[index].due > now_steady) return;
    timed_ &= ~bit_of(index);
    due_ |= bit_of(index);
  });
}

void Watcher::write_one(std::size_t index, Output& out) {
  Owned& owned = watches_[index];
  timed_ &= ~bit_of(index);
  if (is_finishing_ ? owned.watch->write_opening(out) : owned.watch->write(out)) {
    due_ |= bit_of(index);
  } else if (is_finishing_ || owned.watch->is_over()) {
    erase(index);
  } else if (const auto due = owned.watch->next_due()) {
    owned.due = *due;
    timed_ |= bit_of(index);
  }
}

std::optional<protocol::Nanoseconds> Watcher::next_due() const {
  std::optional<protocol::Nanoseconds> first;
  for_each(timed_, [&](std::size_t index) {
    if (!first || watches_[index].due < *first) first = watches_[index].due;
  });
  return first;
}

void Watcher::erase(std::size_t index) {
  used_ &= ~bit_of(index);
  due_ &= ~bit_of(index);
  timed_ &= ~bit_of(index);
  const WatchId id = watches_[index].watch->id();
  watches_[index].watch.reset();
  registry_.free_id(id);
  while (!watches_.empty() && watches_.back().watch == nullptr) watches_.pop_back();
}

void Watcher::check_invariants() const {
  HERD_ASSERT(watches_.size() <= kMaxWatches && ((due_ | timed_) & ~used_) == 0);
  for (std::size_t index = 0; index < watches_.size(); ++index) {
    const Owned& owned = watches_[index];
    HERD_ASSERT((owned.watch != nullptr) == ((used_ & bit_of(index)) != 0));
    if (owned.watch == nullptr) continue;
    const WatchRegistry::Slot& slot = registry_.slots_[owned.watch->id()];
    HERD_ASSERT(slot.watch == owned.watch.get() && slot.owner == this && slot.bit == bit_of(index));
    HERD_ASSERT(!owned.watch->is_over());
    HERD_ASSERT(((due_ | timed_) & bit_of(index)) != 0 || !owned.watch->next_due());
    HERD_ASSERT((due_ & bit_of(index)) != 0 || owned.watch->is_idle() || mutated(Mutant::DueForgotten));
  }
}

}  // namespace herd::node::watches

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
  while (!watches_.empty()) erase(watches_.size() - 1);
  registry_.forget(*this);
}

std::variant<Watcher::Accepted, Watcher::Refused> Watcher::watch(const protocol::Watch& command, protocol::Now now) {
  HERD_ASSERT(registry_.shared_.index.is_active());
  if (const std::string_view reason = reason_to_refuse(command); !reason.empty()) return Refused{reason};
  const bool is_resumed = is_resumable(command);
  const WatchId id = registry_.take_id(*this);
  const Watch::Place place{registry_.shared_, sight_, id};
  std::unique_ptr<Watch> watch;
  if (holds_members(command)) {
    watch = std::make_unique<MemberWatch>(place, command, is_resumed, now);
  } else {
    watch = std::make_unique<AllWatch>(place, command, is_resumed, now);
  }
  registry_.slots_[id].watch = watch.get();
  watches_.push_back({id, std::move(watch)});
  registry_.announce(*this);
  Accepted accepted;
  append_watching(accepted.line, command.tag, registry_.shared_.feed.id, is_resumed);
  return accepted;
}

std::string_view Watcher::reason_to_refuse(const protocol::Watch& command) const {
  const Shared& shared = registry_.shared_;
  const auto has_tag = [&](const Owned& owned) { return owned.watch->tag() == command.tag; };
  if (std::any_of(watches_.begin(), watches_.end(), has_tag) && !mutated(Mutant::TagTwice))
    return "a watch with this tag is running: UNWATCH it first";
  if (const std::string_view centre = centre_of(command); !centre.empty()) {
    const auto record = shared.store.find(centre);
    if (!record || bus::is_reset(*record) || !sight_.allows(centre)) return "the client in the centre is not known";
  }
  const bool is_full = watches_.size() >= kMaxWatches && !mutated(Mutant::ConnectionLimitIgnored);
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
  for (std::size_t position = 0; position < watches_.size(); ++position) {
    if (watches_[position].watch->tag() != tag) continue;
    std::string line;
    watches_[position].watch->append_end(line, EndReason::Unwatched);
    erase(position);
    return line;
  }
  return std::nullopt;
}

void Watcher::end_all(EndReason reason, std::string& out) {
  for (const Owned& owned : watches_) owned.watch->append_end(out, reason);
  while (!watches_.empty()) erase(watches_.size() - 1);
}

void Watcher::finish() {
  if (mutated(Mutant::FinishGoesOn)) return;
  is_finishing_ = true;
  for (std::size_t position = watches_.size(); position-- > 0;) {
    if (watches_[position].watch->is_open()) erase(position);
  }
}

bool Watcher::write(Output& out) {
  if (watches_.empty()) return false;
  if (mutated(Mutant::OutputUnbounded)) out.limit = SIZE_MAX;
  if (!registry_.shared_.index.is_current()) return true;
  std::size_t position = std::exchange(turn_, turn_ + 1) % watches_.size();
  for (std::size_t left = watches_.size(); left > 0; --left) {
    if (write_one(watches_[position], out)) {
      ++position;
    } else {
      erase(position);
    }
    if (position >= watches_.size()) position = 0;
  }
  const auto due = next_due();
  const bool is_more = due == WatchRegistry::kDueNow;
  registry_.set_timer(*this, is_more ? std::nullopt : due);
  return is_more;
}

// Few of many watches are due at a time, and those that are not are not read.
bool Watcher::write_one(const Owned& owned, Output& out) {
  protocol::Nanoseconds& due = registry_.slots_[owned.id].due;
  if (due > out.now.steady) return true;
  const bool is_more = is_finishing_ ? owned.watch->write_opening(out) : owned.watch->write(out);
  due = is_more ? WatchRegistry::kDueNow : owned.watch->next_due().value_or(WatchRegistry::kNeverDue);
  return is_more || !(is_finishing_ || owned.watch->is_over());
}

std::optional<protocol::Nanoseconds> Watcher::next_due() const {
  protocol::Nanoseconds first = WatchRegistry::kNeverDue;
  for (const Owned& owned : watches_) first = std::min(first, registry_.slots_[owned.id].due);
  return first == WatchRegistry::kNeverDue ? std::nullopt : std::optional(first);
}

void Watcher::erase(std::size_t position) {
  const WatchId id = watches_[position].id;
  watches_.erase(watches_.begin() + static_cast<std::ptrdiff_t>(position));
  registry_.free_id(id);
}

void Watcher::check_invariants() const {
  HERD_ASSERT(watches_.size() <= kMaxWatches);
  for (const Owned& owned : watches_) {
    const WatchRegistry::Slot& slot = registry_.slots_[owned.id];
    HERD_ASSERT(slot.watch == owned.watch.get() && !owned.watch->is_over());
    HERD_ASSERT(slot.due == WatchRegistry::kDueNow || owned.watch->is_idle() || mutated(Mutant::DueForgotten));
  }
}

}  // namespace herd::node::watches

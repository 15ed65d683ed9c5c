#include "bus/replica/body_merger.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>

#include "bus/store/age.hpp"
#include "bus/store/mutants.hpp"
#include "bus/store/update_texts.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Update;

BodyMerger::Merged BodyMerger::merge_batch(const Received& received) {
  if (const RecentBodies::Recent* known = recent_->find(received.body.value_or(""))) {
    ReplicaCounters& counters = events_->counters();
    counters.updates_received += known->updates;
    counters.updates_repeated += known->updates;
    ++counters.bodies_repeated;
    return {true, known->updates, 0};
  }
  const bool is_readable = read(received, "a batch");
  const ChangeNumber before = store_->feed().tail();
  const std::size_t changed = merge_updates(received, Repeats::Dropped);
  remember(received, before);
  return {is_readable, body_.updates.size(), changed};
}

BodyMerger::Merged BodyMerger::merge_answer(const Received& received) {
  const bool is_readable = read(received, "an answer");
  const bool drop = mutated(Mutant::AnswersThroughSeenSet);
  const std::size_t changed = merge_updates(received, drop ? Repeats::Dropped : Repeats::Merged);
  return {is_readable, body_.updates.size(), changed};
}

bool BodyMerger::read(const Received& received, std::string_view message) {
  const auto problem = [&](const std::string& reason) {
    events_->note(PeerRefused{std::string(received.name), reason});
  };
  const auto result = protocol::decode_body(received.body.value_or(""), body_);
  if (!result) {
    ++events_->counters().updates_unreadable;
    problem("the updates of " + std::string(message) + " cannot be read: " + result.error().message);
    body_ = {};
  }
  if (body_.unreadable > 0) {
    problem("updates of " + std::string(message) + " have a wrong structure and were skipped");
  }
  events_->counters().updates_unreadable += body_.unreadable;
  return result.has_value();
}

// Remembers the body if each of its updates changed the store.
void BodyMerger::remember(const Received& received, ChangeNumber before) {
  const ChangeNumber after = store_->feed().tail();
  const std::size_t updates = body_.updates.size();
  if (updates == 0 || body_.unreadable > 0 || after - before != updates) return;
  if (received.body->size() > protocol::kMaxBatchBytes) return;
  recent_->remember(
      {before, after, bit_of(received.peer), updates, std::make_shared<const std::string>(*received.body)});
}

bool BodyMerger::is_seen(const protocol::Body::Entry& entry, OfOrigin& of) {
  const protocol::UpdateId& id = entry.update.id;
  if (of.origin != entry.origin) {
    of.origin = entry.origin;
    of.window = id.run == 0 ? nullptr : &seen_.window(id.origin, id.run);
    // This run's own updates need no window. Those of an earlier run may have been lost.
    const bool of_this_run = id.run == self_->incarnation || mutated(Mutant::LostCountsAsSeen);
    of.accepted_to = of_this_run && id.origin == self_->node ? store_->feed().tail() : 0;
  }
  return id.number - 1 < of.accepted_to || (of.window != nullptr && of.window->contains(id.number));
}

// Returns the number of updates that changed the store.
std::size_t BodyMerger::merge_updates(const Received& received, Repeats repeats) {
  // Records of this many updates are prefetched together: a core can have about as many loads under way.
  constexpr std::size_t kAhead = 32;
  OfOrigin of{.origin = body_.origins.size()};
  std::array<Store::ClientKey, kAhead> keys;  // of these updates; with an empty client for one that will not be merged
  const auto look_ahead = [&](std::size_t from) {
    const std::size_t count = std::min(kAhead, body_.updates.size() - from);
    for (std::size_t i = 0; i < count; ++i) {
      const protocol::Body::Entry& entry = body_.updates[from + i];
      keys[i].client = repeats == Repeats::Merged || !is_seen(entry, of) ? entry.update.client : std::string_view();
    }
    store_->look_ahead(std::span(keys).first(count));
  };
  ReplicaCounters& counters = events_->counters();
  std::size_t all_changed = 0;
  for (std::size_t i = 0; i < body_.updates.size(); ++i) {
    if (i % kAhead == 0) look_ahead(i);
    protocol::Body::Entry& entry = body_.updates[i];
    const bool seen = is_seen(entry, of);
    ++counters.updates_received;
    if (repeats == Repeats::Dropped && seen) {
      ++counters.updates_repeated;
      continue;
    }
    if (mutated(Mutant::SeenBeforeMerged) && of.window != nullptr) of.window->insert(entry.update.id.number);
    if (!read_texts(entry.update)) {
      ++counters.updates_unreadable;
      events_->note(PeerRefused{std::string(received.name), "an update is out of bounds and was skipped"});
      continue;
    }
    const bool changed = merge_update(received, entry.update, keys[i % kAhead]);
    ++(changed ? counters.updates_merged : counters.updates_older);
    if (changed) events_->propagated(age_of(entry.update.time, entry.update.difference, received.wall));
    all_changed += changed ? 1 : 0;
    if (of.window != nullptr) of.window->insert(entry.update.id.number);
  }
  return all_changed;
}

// `key`: with an empty client if the update was in the window at the lookup, and the window has moved since.
bool BodyMerger::merge_update(const Received& received, const Update& update, const Store::ClientKey& key) {
  if (mutated(Mutant::PeersMayNotTie)) {
    if (const auto known = store_->find(update.client); known && known->time == update.time) return false;
  }
  const bool is_known = !key.client.empty();
  const Store::Slot slot = is_known ? store_->locate(key) : store_->locate(update.client);
  return store_->merge(update, received.peer, slot) == Store::Merged::Changed;
}

}  // namespace herd::bus

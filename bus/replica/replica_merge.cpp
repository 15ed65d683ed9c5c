// How a replica merges the updates that a peer sends into its store. In a busy herd this part of
// bus/replica/replica.hpp takes most of the time.
#include <algorithm>
#include <array>
#include <span>

#include "bus/replica/replica.hpp"
#include "bus/store/mutants.hpp"
#include "bus/store/update_texts.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Update;

// Merges a body that was not received before. If each of its updates changed the store, the body is remembered.
void Replica::merge_new_body(PeerIndex index, std::string_view body) {
  const ChangeNumber before = store_.feed().tail();
  merge_body(index, Repeats::Dropped);
  const ChangeNumber after = store_.feed().tail();
  const std::size_t updates = body_.updates.size();
  if (updates == 0 || body_.unreadable > 0 || after - before != updates) return;
  if (body.size() > protocol::kMaxBatchBytes) return;
  recent_.remember(
      {before, after, bit_of(static_cast<PeerIndex>(index)), updates, std::make_shared<const std::string>(body)});
}

// Returns the number of updates that changed the store.
std::size_t Replica::merge_body(PeerIndex index, Repeats repeats) {
  // Records of this many updates are prefetched together: a core can have about as many loads under way.
  constexpr std::size_t kAhead = 32;
  SeenSet::Window* window = nullptr;  // of the last entry's origin; nullptr if its updates have no identities
  std::size_t origin = body_.origins.size();
  ChangeNumber accepted_to = 0;  // all numbers of the origin from 1 to this one are known
  std::size_t all_changed = 0;
  const auto is_seen = [&](const protocol::Body::Entry& entry) {
    const protocol::UpdateId& id = entry.update.id;
    if (origin != entry.origin) {
      origin = entry.origin;
      window = id.run == 0 ? nullptr : &seen_.window(id.origin, id.run);
      // This run's own updates need no window. Those of an earlier run may have been lost.
      const bool of_this_run = id.run == self_->incarnation || mutated(Mutant::LostCountsAsSeen);
      accepted_to = of_this_run && id.origin == self_->node ? store_.feed().tail() : 0;
    }
    return id.number - 1 < accepted_to || (window != nullptr && window->contains(id.number));
  };
  std::array<Store::ClientKey, kAhead> keys;  // of these updates; with an empty client for one that will not be merged
  const auto look_ahead = [&](std::size_t from) {
    const std::size_t count = std::min(kAhead, body_.updates.size() - from);
    for (std::size_t i = 0; i < count; ++i) {
      const protocol::Body::Entry& entry = body_.updates[from + i];
      keys[i].client = repeats == Repeats::Merged || !is_seen(entry) ? entry.update.client : std::string_view();
    }
    store_.look_ahead(std::span(keys).first(count));
  };
  for (std::size_t i = 0; i < body_.updates.size(); ++i) {
    if (i % kAhead == 0) look_ahead(i);
    protocol::Body::Entry& entry = body_.updates[i];
    Update& update = entry.update;
    const bool seen = is_seen(entry);
    ++counters_.updates_received;
    if (repeats == Repeats::Dropped && seen) {
      ++counters_.updates_repeated;
      continue;
    }
    if (mutated(Mutant::SeenBeforeMerged) && window != nullptr) window->insert(update.id.number);
    if (!read_texts(update)) {
      ++counters_.updates_unreadable;
      report_problem(peers_[index].name, "an update is out of bounds and was skipped");
      continue;
    }
    if (mutated(Mutant::PeersMayNotTie)) {
      if (const auto known = store_.find(update.client); known && known->time == update.time) continue;
    }
    const Store::ClientKey& client = keys[i % kAhead];
    const bool known =
        !client.client.empty();  // else it was in the window at the lookup, and the window has moved since
    const Store::Slot slot = known ? store_.locate(client) : store_.locate(update.client);
    const bool changed = store_.merge(update, static_cast<PeerIndex>(index), slot) == Store::Merged::Changed;
    ++(changed ? counters_.updates_merged : counters_.updates_older);
    all_changed += changed ? 1 : 0;
    if (window != nullptr) window->insert(update.id.number);
  }
  return all_changed;
}

}  // namespace herd::bus

// The nodes' disks: writes, crashes, lost disks, and backups that replace newer journals.
#include <algorithm>
#include <utility>

#include "bus/journal/journal_copy.hpp"
#include "tests/sim/world.hpp"

namespace herd::sim {

void World::restart(NodeIndex index) {
  Disk& disk = *nodes_[index].disk;
  switch (scenario_.level) {
    case Level::Memory:
      disk.wipe();
      break;
    case Level::Write:
    case Level::Replicas:
      disk.crash_process();
      break;
    case Level::Fsync:
      disk.crash_machine();
      break;
  }
  const bool restores = scenario_.restores > 0 && random_.chance(scenario_.restores);
  if (restores) restore(index);
  if (!restores && scenario_.level == Level::Replicas && scenario_.wipes && may_wipe(index)) wipe(index);
  start(index);
}

// Only one disk may be lost at a time. The next may be lost when the last one contains again all that was promised
// before the loss, and all that it contained then.
bool World::may_wipe(NodeIndex index) const {
  if (final_[index].empty()) return false;
  if (!wiped_) return true;
  if (!nodes_[*wiped_].disk->is_sound()) return false;
  const bus::Replica& replica = nodes_[*wiped_].replica();
  return std::all_of(wiped_promises_.begin(), wiped_promises_.end(), [&](const auto& promise) {
    return !is_older(replica, promise.first, promise.second) &&
           replica.store().number_of(promise.first) <= replica.planner().durable();
  });
}

void World::wipe(NodeIndex index) {
  nodes_[index].disk->wipe();
  note_lost_disk(index);
}

void World::note_lost_disk(NodeIndex index) {
  wiped_ = index;
  wiped_promises_.clear();
  for (const auto& [key, age] : promised_) {
    if (key.first == component_[index]) wiped_promises_[key.second] = age;
  }
  // A peer that does not know of the loss yet may still acknowledge what this disk contained. Then only the peer's own
  // disk contains it, so it must be durable here again before another disk is lost.
  const bus::Replica& replica = nodes_[index].replica();
  bus::Feed::Reader reader = replica.store().feed().read_after(0);
  for (auto entry = reader.next(); entry && entry->number <= replica.planner().durable(); entry = reader.next()) {
    const bus::RecordView record = replica.store().record_at(entry->index);
    Age& held = wiped_promises_[std::string(record.client)];
    held = std::max(held, Age{record.epoch, record.time});
  }
}

void World::back_up(NodeIndex index) {
  std::vector<std::string>& backups = nodes_[index].backups;
  std::string backup = nodes_[index].disk->backup();
  if (!backup.empty() && random_.chance(scenario_.copies)) backup = copy_of(backup, index);
  if (backups.size() < kMaxBackups) {
    backups.push_back(std::move(backup));
  } else {
    backups[random_.below(backups.size())] = std::move(backup);
  }
}

// The backup that `herd-node --backup` makes of these bytes.
std::string World::copy_of(const std::string& journal, NodeIndex index) {
  const auto state = bus::recover(journal, 1, 0);
  if (!state) {
    refused_ = state.error().message;
    return journal;
  }
  bus::JournalCopy copy(*state, node_name(index), now_at(nodes_[index]).wall);
  std::string text;
  for (std::string piece = copy.next(); !piece.empty(); piece = copy.next()) text += piece;
  return text;
}

// A backup replaces the disk. At Level::Replicas that counts as the loss of a disk: no promise may be broken by it.
void World::restore(NodeIndex index) {
  const NodeIndex of = random_.chance(0.2) ? random_.below(nodes_.size())
                                           : index;  // sometimes another node's, as if a state directory was copied
  const std::vector<std::string>& backups = nodes_[of].backups;
  if (backups.empty() || (scenario_.level == Level::Replicas && !may_wipe(index))) return;
  const std::string backup = backups[random_.below(backups.size())];
  if (scenario_.level == Level::Replicas) {
    note_lost_disk(index);
  } else {
    drop_promises(index, backup);
  }
  nodes_[index].disk->restore(backup);
  ++restored_;
  const auto state = bus::recover(backup, 1, 0);
  if (!state || !state->copy) ++restored_as_is_;
}

// Another program removes or truncates the journal of a running node. Replies that left before are no promises of this
// disk any more; those that leave for later changes are.
void World::damage(NodeIndex index) {
  Node& node = nodes_[index];
  if (!node.disk->is_sound() || (scenario_.level == Level::Replicas && !may_wipe(index))) return;
  node.damaged_at = node.replica().planner().durable();
  if (scenario_.level == Level::Replicas) note_lost_disk(index);
  node.disk->damage();
  // A node does not start with a part of a copy: the operator removes the file.
  if (!bus::recover(node.disk->journal(), 1, 0)) node.disk->remove();
  if (scenario_.level != Level::Replicas) drop_promises(index, node.disk->journal());
  ++damaged_;
}

Age World::age_in(const bus::Replica& replica, const std::string& client) {
  const auto record = replica.find(client);
  return record ? Age{record->epoch, record->time} : Age{};
}

// Without replicas, a promise survives a restored disk only if the backup or another node's disk contains the update.
// Other promises are dropped. A journal that was damaged counts only after it was written again.
void World::drop_promises(NodeIndex index, const std::string& backup) {
  bus::Replica::Options options;
  options.self = {"sim", node_name(index), 1, 0};
  auto state = bus::recover(backup, 1, 0);
  if (!state) return;  // start() reports it
  const bus::Replica restored(std::move(options), std::move(*state));
  for (auto& [key, promised] : promised_) {
    if (key.first != component_[index]) continue;
    Age durable = age_in(restored, key.second);
    for (NodeIndex i = 0; i < nodes_.size(); ++i) {
      const bus::Replica& other = nodes_[i].replica();
      const bool on_disk =
          nodes_[i].disk->is_sound() && other.store().number_of(key.second) <= other.planner().durable();
      if (i != index && component_[i] == component_[index] && on_disk)
        durable = std::max(durable, age_in(other, key.second));
    }
    promised = std::min(promised, durable);
  }
  std::erase_if(promised_, [](const auto& promise) { return promise.second == Age{}; });
}

}  // namespace herd::sim

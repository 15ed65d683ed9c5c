// One node's loop with a peer that the test plays, a disk that the test controls, and a list of what the loop does.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/journal/recovery.hpp"
#include "bus/loop/loop.hpp"
#include "tests/bus/two_replicas.hpp"

namespace herd::bus {

using Steps = std::vector<std::string>;

// Carries a job out when the test calls finish().
class FakeDisk : public Disk {
 public:
  explicit FakeDisk(Steps& steps) : steps_(steps) {}

  std::optional<JournalJob> job;  // begun, and not taken
  std::string text;               // of the file
  std::string new_text;           // of the new file

  // The job is done. `result` fills in a failure; without it the job succeeds.
  void finish(JournalJob result = {}) {
    job->trouble = std::move(result.trouble);
    job->fatal = result.fatal;
    job->blocked = result.blocked;
    job->found = result.found;
    job->restored = result.restored;
    job->set_aside = std::move(result.set_aside);
    is_done_ = true;
  }

  void begin(JournalJob begun) override {
    steps_.push_back(begun.check ? "check" : begun.is_flush ? "flush" : "chunk");
    job = std::move(begun);
  }
  [[nodiscard]] std::optional<JournalJob> take() override {
    if (!std::exchange(is_done_, false)) return std::nullopt;
    if (job->trouble.empty()) write();
    return std::exchange(job, std::nullopt);
  }
  [[nodiscard]] std::uint64_t bytes() const override { return text.size(); }

 private:
  void write() {
    if (job->starts_compaction) new_text.clear();
    (job->to_new_file ? new_text : text) += job->bytes;
    if (job->replaces) text = std::exchange(new_text, {});
  }

  Steps& steps_;
  bool is_done_ = false;
};

// Journal and replica without peers.
class OneJournalLoop {
 public:
  explicit OneJournalLoop(const Journal::Options& journal_options = {}, bool awaited = true) : disk(steps) {
    Replica::Options options{{"herd", "Hill", 1, 1'000'001}, {}, {}, 1};
    options.durability.journal = awaited;
    options.planner.records_per_chunk = 1;
    options.random_id = drawn_ids(1);
    replica = std::make_unique<Replica>(options);
    disk.text = replica->planner().begin_run();
    journal.emplace(disk, journal_options);
    replica->tick(now);
  }

  Steps steps;
  FakeDisk disk;
  std::unique_ptr<Replica> replica;
  std::optional<Journal> journal;
  protocol::Now now = kStart;

  AcceptOutcome report(std::string_view client, std::string_view time_text) {
    return accept(*replica, client, time_text, now);
  }
  // Time passes; then the journal advances.
  bool advance(protocol::Nanoseconds time = 1ms) {
    now.steady += time;
    return journal->advance(*replica, now);
  }
  // Carries out every job without a failure, until none begins.
  bool settle() {
    for (int i = 0; i < 1000; ++i) {
      if (disk.job) disk.finish();
      if (!advance()) return false;
      if (!disk.job) return true;
    }
    return false;
  }
  // What the next start would recover: the clients that the journal's file contains.
  [[nodiscard]] bool is_on_disk(std::string_view client) const {
    const auto state = recover(disk.text, 1, 1);
    return state && state->store.find(client).has_value();
  }
  [[nodiscard]] std::vector<JournalEvent::Kind> take_events() {
    std::vector<JournalEvent::Kind> kinds;
    for (const JournalEvent& event : journal->take_events()) kinds.push_back(event.kind);
    return kinds;
  }
};

}  // namespace herd::bus

// A replica and its journal in a directory, for tests of bus/loop/journal.hpp on real files, with the real thread. The
// test plays the loop by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "bus/loop/journal.hpp"
#include "node/journal/file_disk.hpp"
#include "node/journal/journal_log.hpp"
#include "protocol/time_text.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {

inline constexpr std::uint64_t kFeed = 77;

class Journaled {
 public:
  std::unique_ptr<bus::Replica> replica;
  std::unique_ptr<FileDisk> disk;
  std::unique_ptr<bus::Journal> journal;
  JournalLog log;
  protocol::Now now{std::chrono::seconds(100), std::chrono::seconds(1'700'000'000)};

  explicit Journaled(const ScratchDir& scratch, Acknowledge level = Acknowledge::Write, std::uint64_t feed = kFeed)
      : Journaled(scratch.path(), level, feed, nullptr) {}
  Journaled(const std::filesystem::path& directory, Acknowledge level, std::uint64_t feed, StateDir* state_dir)
      : log(directory, level) {
    auto opened = FileDisk::open(directory, feed, state_dir);
    REQUIRE(opened);
    disk = std::move(opened->disk);
    const bus::Journal::Options journal_options{.sync = level == Acknowledge::Fsync, .live_bytes = opened->live_bytes};
    journal = std::make_unique<bus::Journal>(*disk, journal_options);
    bus::Replica::Options options;
    options.self = {"herd", "Hill", 1, 0};
    options.durability.journal = level != Acknowledge::Memory;
    replica = std::make_unique<bus::Replica>(std::move(options), std::move(opened->recovered));
    REQUIRE(disk->begin_run(replica->planner().begin_run()));
  }

  bus::AcceptOutcome accept(std::string_view client, std::string_view time_text) {
    protocol::Iamat iamat;
    iamat.client = client;
    iamat.coordinates = "+1-2";
    iamat.time_text = time_text;
    iamat.time = protocol::parse_time(time_text).value();
    return replica->accept(iamat, now);
  }
  bool advance() {
    now.steady += std::chrono::milliseconds(1);
    const bool sound = journal->advance(*replica, now);
    log.report(*journal, now);
    return sound;
  }
  // Ends the disk's thread, as the end of the node does.
  void stop() {
    journal.reset();
    disk.reset();
  }
  // Moves the time forward by one second, so that the journal checks its file. False if the check does not succeed.
  [[nodiscard]] bool check() {
    now.steady += std::chrono::seconds(1);
    const auto before = journal->confirmed();
    return run_until([&] { return journal->confirmed() > before; });
  }
  // Advances the journal until the condition holds. False if that takes ten seconds.
  template <typename Condition>
  bool run_until(Condition condition) {
    return wait_until([&] { return !advance() || condition(); }) && condition();
  }
  // Advances the journal until all changes are written.
  bool written() {
    return run_until([&] { return replica->planner().durable() == replica->store().feed().tail(); });
  }
};

}  // namespace herd::node

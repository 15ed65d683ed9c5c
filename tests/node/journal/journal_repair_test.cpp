// Other programs remove, replace or change the journal's file while the node runs. A flush counts only if the next
// start would read it, and the file is written anew from the store. With the real thread and real files.
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "node/base/set_aside.hpp"
#include "node/journal/file_disk.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/journaled.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd;
using namespace herd::node;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Damage {
  std::string name;
  std::string reason;  // a part of the log line
  std::function<void(const fs::path&)> inflict;
  bool sets_aside = false;  // the file that it leaves under the journal's name must be set aside
};

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

const std::vector<Damage>& damages() {
  static const std::vector<Damage> all{
      {"removed", "removed or renamed", [](const fs::path& path) { fs::remove(path); }},
      {"renamed", "removed or renamed", [](const fs::path& path) { fs::rename(path, path.string() + ".bak"); }},
      {"its directory removed", "removed or renamed", [](const fs::path& path) { fs::remove_all(path.parent_path()); }},
      {"its directory renamed", "removed or renamed",
       [](const fs::path& path) { fs::rename(path.parent_path(), path.parent_path().string() + "-moved"); }},
      {"replaced", "another file has its name",
       [](const fs::path& path) {
         fs::remove(path);
         overwrite(path, "HJ01 of yesterday");
       },
       true},
      {"replaced by a directory", "another file has its name",
       [](const fs::path& path) {
         fs::remove(path);
         fs::create_directory(path);
       },
       true},
      {"overwritten by an older copy", "truncated", [](const fs::path& path) { overwrite(path, "HJ01"); }, true},
      {"truncated", "truncated", [](const fs::path& path) { fs::resize_file(path, 0); }},
      {"cut", "truncated", [](const fs::path& path) { fs::resize_file(path, fs::file_size(path) - 1); }, true},
      {"appended to", "longer than what this node wrote",
       [](const fs::path& path) { std::ofstream(path, std::ios::app) << "x"; }, true},
      {"changed in its middle", "another program has changed",
       [](const fs::path& path) {
         std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
         file.seekp(50);
         file.put('\x7f');
         file.close();
         fs::last_write_time(path, fs::last_write_time(path) + 1s);  // the file system's clock may be that coarse
       },
       true},
  };
  return all;
}

// A node with its locked state directory and its journal.
class LockedJournal {
 public:
  explicit LockedJournal(Acknowledge level = Acknowledge::Write)
      : directory(opened(scratch)), node(directory.path(), level, kFeed, &directory) {}

  static StateDir opened(const ScratchDir& scratch) {
    Config config;
    config.state_dir = scratch.path();
    auto directory = StateDir::open(config, "Hill");
    REQUIRE(directory);
    return std::move(*directory);
  }
  [[nodiscard]] fs::path path() const { return directory.path() / "journal"; }
  // Whether the next start would find the client: recovers from a copy of the journal.
  [[nodiscard]] bool is_on_disk(std::string_view client) const {
    const ScratchDir copy;
    fs::copy_file(path(), copy.path() / "journal");
    return Journaled(copy).replica->find(client).has_value();
  }

  const ScratchDir scratch;
  StateDir directory;
  Journaled node;
  CapturedLog log;
};

}  // namespace

TEST_CASE("a report that comes after damage of the journal is acknowledged when a sound journal contains it") {
  const auto level = GENERATE(Acknowledge::Write, Acknowledge::Fsync);
  for (const Damage& damage : damages()) {
    DYNAMIC_SECTION(damage.name) {
      LockedJournal one(level);
      (void)one.node.accept("kiwi", "5");
      REQUIRE(one.node.check());
      REQUIRE(one.node.written());
      damage.inflict(one.path());
      const auto after = one.node.accept("plum", "5");
      REQUIRE(one.node.run_until([&] { return one.node.replica->acknowledged() >= after.number; }));
      CHECK(one.is_on_disk("kiwi"));
      CHECK(one.is_on_disk("plum"));
      CHECK(one.node.journal->counters().repairs == 1);
      CHECK(one.log.count("event=journal_failing") == 1);
      CHECK(one.log.text().find(damage.reason) != std::string::npos);
      CHECK(one.log.count("event=journal_recovered") == 1);
      CHECK(one.node.journal->trouble().empty());
    }
  }
}

TEST_CASE("damage is found within a second without any report, and repaired, at every level of `ack`") {
  const auto level = GENERATE(Acknowledge::Write, Acknowledge::Fsync, Acknowledge::Memory);
  for (const Damage& damage : damages()) {
    DYNAMIC_SECTION(damage.name) {
      LockedJournal one(level);
      (void)one.node.accept("kiwi", "5");
      REQUIRE(one.node.written());
      REQUIRE(one.node.check());
      const auto before = fs::file_size(one.path());
      damage.inflict(one.path());
      const std::string left = fs::is_regular_file(one.path()) ? content(one.path()) : "";
      one.node.now.steady += 1s;
      REQUIRE(one.node.run_until([&] { return one.node.journal->counters().repairs == 1; }));
      CHECK(one.is_on_disk("kiwi"));
      CHECK(fs::file_size(one.path()) <= before + 200);
      CHECK(one.node.check());
      CHECK(one.node.journal->counters().repairs == 1);
      const auto aside = one.directory.path() / "journal.replaced";
      CHECK(fs::exists(aside) == damage.sets_aside);
      CHECK(one.log.count("event=journal_set_aside kept_as=" + aside.string() + " ") == (damage.sets_aside ? 1 : 0));
      if (damage.sets_aside && fs::is_regular_file(aside)) CHECK(content(aside) == left);
    }
  }
}

TEST_CASE("a node continues in the journal that was written anew, and recovers from it") {
  LockedJournal one;
  for (int round = 0; round < 3; ++round) {
    fs::remove(one.path());
    one.node.now.steady += 1s;  // repairs begin at most once a second
    for (int i = 0; i < 100; ++i) (void)one.node.accept("c" + std::to_string(100 * round + i), "5");
    REQUIRE(one.node.written());
  }
  CHECK(one.node.journal->counters().repairs == 3);
  one.node.stop();
  const Journaled again(one.directory.path(), Acknowledge::Write, kFeed + 1, nullptr);
  CHECK(again.replica->store().size() == 300);
  CHECK(again.replica->self().feed_id == kFeed);
}

TEST_CASE("while a damaged journal cannot be written anew, no update is acknowledged, and trouble() has the reason") {
  LockedJournal one;
  (void)one.node.accept("kiwi", "5");
  REQUIRE(one.node.written());
  fs::remove(one.path());
  const auto after = one.node.accept("plum", "5");
  {
    const FileSizeLimit limit(10);
    REQUIRE(one.node.run_until([&] { return one.node.journal->counters().failures >= 3; }));
    CHECK(one.node.replica->acknowledged() < after.number);
    CHECK(one.node.journal->trouble() == "its file was removed or renamed, and cannot be written anew: File too large");
    CHECK_FALSE(fs::exists(one.path()));
  }
  REQUIRE(one.node.run_until([&] { return one.node.replica->acknowledged() >= after.number; }));
  CHECK(one.is_on_disk("plum"));
  CHECK(one.log.count("event=journal_recovered") == 1);
}

TEST_CASE("a journal is written anew at most once per second") {
  LockedJournal one;
  REQUIRE(one.node.check());
  const auto began = one.node.now.steady;
  for (std::uint64_t repairs = 0; repairs < 4; ++repairs) {
    fs::remove(one.path());
    (void)one.node.accept("kiwi", std::to_string(repairs + 1));
    REQUIRE(one.node.run_until([&] { return one.node.journal->counters().repairs > repairs; }));
  }
  CHECK(one.node.now.steady - began >= 3s);
}

TEST_CASE("a large store is written anew in chunks while reports come, and all of them are on disk") {
  LockedJournal one;
  for (int i = 0; i < 30'000; ++i) (void)one.node.accept("c" + std::to_string(i), "5");
  REQUIRE(one.node.written());
  fs::remove(one.path());
  int reports = 0;
  const auto report_one = [&] { return one.node.accept("d" + std::to_string(reports++), "5").number; };
  (void)report_one();
  REQUIRE(one.node.run_until([&] {
    const auto last = report_one();
    return one.node.journal->counters().repairs == 1 && reports > 20 && one.node.replica->acknowledged() + 100 >= last;
  }));
  REQUIRE(one.node.written());
  CHECK(one.is_on_disk("c0"));
  CHECK(one.is_on_disk("c29999"));
  CHECK(one.is_on_disk("d0"));
  CHECK(one.is_on_disk("d" + std::to_string(reports - 1)));
}

TEST_CASE("a new modification time alone causes at most one repair per minute") {
  LockedJournal one;
  const auto touch = [&] { fs::last_write_time(one.path(), fs::last_write_time(one.path()) - 1s); };
  touch();
  one.node.now.steady += 1s;
  REQUIRE(one.node.run_until([&] { return one.node.journal->counters().repairs == 1; }));
  touch();
  REQUIRE(one.node.check());
  (void)one.node.accept("kiwi", "5");
  REQUIRE(one.node.written());
  touch();
  CHECK(one.node.check());
  CHECK(one.node.journal->counters().repairs == 1);
  one.node.now.steady += 60s;
  REQUIRE(one.node.run_until([&] { return one.node.journal->counters().repairs == 2; }));
}

TEST_CASE("a directory that another process has locked is not touched until the lock is free") {
  LockedJournal one;
  fs::remove(one.directory.path() / "lock");
  fs::remove(one.path());
  std::optional<StateDir> other(LockedJournal::opened(one.scratch));  // in this process, but with a lock of its own
  const auto after = one.node.accept("kiwi", "5");
  REQUIRE(one.node.run_until([&] { return one.node.journal->counters().failures >= 3; }));
  CHECK(one.node.replica->acknowledged() < after.number);
  CHECK(one.node.journal->trouble().find("is used by process") != std::string::npos);
  CHECK_FALSE(fs::exists(one.path()));
  other.reset();
  REQUIRE(one.node.run_until([&] { return one.node.replica->acknowledged() >= after.number; }));
  CHECK(one.is_on_disk("kiwi"));
  CHECK(one.log.count("event=state_directory_restored") == 1);
}

TEST_CASE("a lock file that was removed is created again within a second, and the journal stays as it is") {
  LockedJournal one;
  REQUIRE(one.node.check());
  fs::remove(one.directory.path() / "lock");
  REQUIRE(one.node.check());
  CHECK(fs::exists(one.directory.path() / "lock"));
  CHECK(one.log.count("event=state_directory_restored") == 1);
  CHECK(one.node.journal->counters().repairs == 0);
  CHECK(one.node.journal->counters().failures == 0);
}

TEST_CASE("a journal is checked once per second, and at once after check_soon()") {
  LockedJournal one;
  REQUIRE(one.node.check());
  const auto confirmed = one.node.journal->confirmed();
  const auto due = one.node.journal->next_deadline(*one.node.replica);
  CHECK(due > one.node.now.steady);
  CHECK(due <= one.node.now.steady + 1s);
  one.node.journal->check_soon();
  CHECK(one.node.journal->next_deadline(*one.node.replica) <= one.node.now.steady);
  REQUIRE(one.node.run_until([&] { return one.node.journal->confirmed() > confirmed; }));
  CHECK(one.node.now.steady < due + 1s);
}

TEST_CASE("with a hundred replaced files already, the next foreign file stays, and trouble() has the reason") {
  LockedJournal one;
  for (int number = 1; number <= kMostSetAside; ++number) {
    overwrite(one.path().string() + (number == 1 ? ".replaced" : ".replaced." + std::to_string(number)), "old");
  }
  fs::remove(one.path());
  overwrite(one.path(), "foreign");
  const auto after = one.node.accept("kiwi", "5");
  REQUIRE(one.node.run_until([&] { return one.node.journal->counters().failures >= 2; }));
  CHECK(one.node.replica->acknowledged() < after.number);
  CHECK(one.node.journal->trouble().find("exist already: remove those that are not needed") != std::string::npos);
  CHECK(content(one.path()) == "foreign");
  fs::remove(one.path().string() + ".replaced.7");
  REQUIRE(one.node.run_until([&] { return one.node.replica->acknowledged() >= after.number; }));
  CHECK(content(one.path().string() + ".replaced.7") == "foreign");
}

TEST_CASE("a write to a file that cannot be examined is undone, and done again later") {
  const ScratchDir scratch;
  const auto directory = scratch.path() / "directory";
  const auto moved = scratch.path() / "moved";
  fs::create_directory(directory);
  Journaled node(directory, Acknowledge::Write, kFeed, nullptr);
  (void)node.accept("kiwi", "5");
  REQUIRE(node.check());
  REQUIRE(node.written());
  const auto bytes = node.disk->bytes();
  fs::rename(directory, moved);
  fs::create_symlink(directory,
                     directory);  // a loop: stat fails, and shows neither that the file exists nor that it is missing
  const auto after = node.accept("plum", "5");
  REQUIRE(node.run_until([&] { return node.journal->counters().failures >= 3; }));
  CHECK(node.replica->acknowledged() < after.number);
  CHECK(node.journal->trouble() == "its file cannot be examined (Too many levels of symbolic links)");
  CHECK(fs::file_size(moved / "journal") == bytes);
  fs::remove(directory);
  fs::rename(moved, directory);
  REQUIRE(node.run_until([&] { return node.replica->acknowledged() >= after.number; }));
  CHECK(node.journal->counters().repairs == 0);
  CHECK(node.journal->trouble().empty());
  node.stop();
  const Journaled again(directory, Acknowledge::Write, kFeed + 1, nullptr);
  CHECK(again.replica->find("kiwi"));
  CHECK(again.replica->find("plum"));
}

TEST_CASE("a start after a crash during a repair sets the unfinished file aside and logs it") {
  const ScratchDir scratch;
  const CapturedLog log;
  (void)scratch.write("half of the records", "journal.next");
  const Journaled node(scratch);
  CHECK(node.replica->store().size() == 0);
  CHECK(log.count("event=journal_unfinished kept_as=" + (scratch.path() / "journal.unfinished").string() + " ") == 1);
  CHECK(content(scratch.path() / "journal.unfinished") == "half of the records");
}

TEST_CASE("a journal that is removed while the node starts is an error") {
  const ScratchDir scratch;
  auto opened = FileDisk::open(scratch.path(), kFeed);
  REQUIRE(opened);
  bus::Replica::Options options;
  options.self = {"herd", "Hill", 1, 0};
  bus::Replica replica(std::move(options), std::move(opened->recovered));
  fs::remove(scratch.path() / "journal");
  const auto began = opened->disk->begin_run(replica.planner().begin_run());
  REQUIRE_FALSE(began);
  CHECK(began.error().message.find("its file was removed or renamed while this node started") != std::string::npos);
}

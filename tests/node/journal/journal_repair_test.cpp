// A journal whose file other programs remove, replace or change while the node runs: no pass counts that the next start
// would not read, and the file is written anew from the store. With the real thread and real files.
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "node/base/set_aside.hpp"
#include "node/journal/journal.hpp"
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
  std::string words;  // in the log
  std::function<void(const fs::path&)> inflict;
  bool keeps = false;  // what it leaves under the journal's name must be kept
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
         fs::last_write_time(path, fs::last_write_time(path) + 1s);  // the kernel's clock may be as coarse as that
       },
       true},
  };
  return all;
}

// A node's directory with its lock, and the journal in it.
class Held {
 public:
  explicit Held(Acknowledge level = Acknowledge::Write)
      : directory(opened(scratch)), node(directory.path(), level, kFeed, &directory) {}

  static StateDir opened(const ScratchDir& scratch) {
    Config config;
    config.state_dir = scratch.path();
    auto directory = StateDir::open(config, "Hill");
    REQUIRE(directory);
    return std::move(*directory);
  }
  [[nodiscard]] fs::path path() const { return directory.path() / "journal"; }
  // What the next start would know, by a copy of the directory as it is.
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

TEST_CASE("a report that comes after the journal was damaged is acknowledged once it stands in a sound one") {
  const auto level = GENERATE(Acknowledge::Write, Acknowledge::Fsync);
  for (const Damage& damage : damages()) {
    DYNAMIC_SECTION(damage.name) {
      Held held(level);
      (void)held.node.accept("kiwi", "5");
      REQUIRE(held.node.check());
      REQUIRE(held.node.written());
      damage.inflict(held.path());
      const auto after = held.node.accept("plum", "5");
      REQUIRE(held.node.run_until([&] { return held.node.replica->acknowledged() >= after.number; }));
      CHECK(held.is_on_disk("kiwi"));
      CHECK(held.is_on_disk("plum"));
      CHECK(held.node.journal->counters().repairs == 1);
      CHECK(held.log.count("event=journal_failing") == 1);
      CHECK(held.log.text().find(damage.words) != std::string::npos);
      CHECK(held.log.count("event=journal_recovered") == 1);
      CHECK(held.node.journal->trouble().empty());
    }
  }
}

TEST_CASE("damage is found within a second although no report comes, and repaired, at every level") {
  const auto level = GENERATE(Acknowledge::Write, Acknowledge::Fsync, Acknowledge::Memory);
  for (const Damage& damage : damages()) {
    DYNAMIC_SECTION(damage.name) {
      Held held(level);
      (void)held.node.accept("kiwi", "5");
      REQUIRE(held.node.written());
      REQUIRE(held.node.check());
      const auto before = fs::file_size(held.path());
      damage.inflict(held.path());
      const std::string left = fs::is_regular_file(held.path()) ? content(held.path()) : "";
      held.node.now.steady += 1s;
      REQUIRE(held.node.run_until([&] { return held.node.journal->counters().repairs == 1; }));
      CHECK(held.is_on_disk("kiwi"));
      CHECK(fs::file_size(held.path()) <= before + 200);
      CHECK(held.node.check());
      CHECK(held.node.journal->counters().repairs == 1);
      const auto kept = held.directory.path() / "journal.replaced";
      CHECK(fs::exists(kept) == damage.keeps);
      CHECK(held.log.count("event=journal_set_aside kept_as=" + kept.string() + " ") == (damage.keeps ? 1 : 0));
      if (damage.keeps && fs::is_regular_file(kept)) CHECK(content(kept) == left);
    }
  }
}

TEST_CASE("a node goes on in the file that was written anew, and reads it at its next start") {
  Held held;
  for (int round = 0; round < 3; ++round) {
    fs::remove(held.path());
    held.node.now.steady += 1s;  // repairs begin at most once a second
    for (int i = 0; i < 100; ++i) (void)held.node.accept("c" + std::to_string(100 * round + i), "5");
    REQUIRE(held.node.written());
  }
  CHECK(held.node.journal->counters().repairs == 3);
  held.node.journal.reset();
  const Journaled again(held.directory.path(), Acknowledge::Write, kFeed + 1, nullptr);
  CHECK(again.replica->store().size() == 300);
  CHECK(again.replica->self().feed_id == kFeed);
}

TEST_CASE("while a damaged journal cannot be written anew nothing is acknowledged, and the reason is said") {
  Held held;
  (void)held.node.accept("kiwi", "5");
  REQUIRE(held.node.written());
  fs::remove(held.path());
  const auto after = held.node.accept("plum", "5");
  {
    const FileSizeLimit limit(10);
    REQUIRE(held.node.run_until([&] { return held.node.journal->counters().failures >= 3; }));
    CHECK(held.node.replica->acknowledged() < after.number);
    CHECK(held.node.journal->trouble() ==
          "its file was removed or renamed, and cannot be written anew: File too large");
    CHECK_FALSE(fs::exists(held.path()));
  }
  REQUIRE(held.node.run_until([&] { return held.node.replica->acknowledged() >= after.number; }));
  CHECK(held.is_on_disk("plum"));
  CHECK(held.log.count("event=journal_recovered") == 1);
}

TEST_CASE("a journal is written anew at most once a second, however often it is removed") {
  Held held;
  REQUIRE(held.node.check());
  const auto began = held.node.now.steady;
  for (std::uint64_t repairs = 0; repairs < 4; ++repairs) {
    fs::remove(held.path());
    (void)held.node.accept("kiwi", std::to_string(repairs + 1));
    REQUIRE(held.node.run_until([&] { return held.node.journal->counters().repairs > repairs; }));
  }
  CHECK(held.node.now.steady - began >= 3s);
}

TEST_CASE("a large store is written anew in pieces while reports go on, and all of them are on disk") {
  Held held;
  for (int i = 0; i < 30'000; ++i) (void)held.node.accept("c" + std::to_string(i), "5");
  REQUIRE(held.node.written());
  fs::remove(held.path());
  int told = 0;
  const auto tell_one = [&] { return held.node.accept("d" + std::to_string(told++), "5").number; };
  (void)tell_one();
  REQUIRE(held.node.run_until([&] {
    const auto last = tell_one();
    return held.node.journal->counters().repairs == 1 && told > 20 && held.node.replica->acknowledged() + 100 >= last;
  }));
  REQUIRE(held.node.written());
  CHECK(held.is_on_disk("c0"));
  CHECK(held.is_on_disk("c29999"));
  CHECK(held.is_on_disk("d0"));
  CHECK(held.is_on_disk("d" + std::to_string(told - 1)));
}

TEST_CASE("a modification time that the file system changes by itself is a reason once a minute and no more") {
  Held held;
  const auto touch = [&] { fs::last_write_time(held.path(), fs::last_write_time(held.path()) - 1s); };
  touch();
  held.node.now.steady += 1s;
  REQUIRE(held.node.run_until([&] { return held.node.journal->counters().repairs == 1; }));
  touch();
  REQUIRE(held.node.check());
  (void)held.node.accept("kiwi", "5");
  REQUIRE(held.node.written());
  touch();
  CHECK(held.node.check());
  CHECK(held.node.journal->counters().repairs == 1);
  held.node.now.steady += 60s;
  REQUIRE(held.node.run_until([&] { return held.node.journal->counters().repairs == 2; }));
}

TEST_CASE("a directory that another process has locked meanwhile is left alone until that ends") {
  Held held;
  fs::remove(held.directory.path() / "lock");
  fs::remove(held.path());
  std::optional<StateDir> other(Held::opened(held.scratch));  // of this process, but a lock of its own
  const auto after = held.node.accept("kiwi", "5");
  REQUIRE(held.node.run_until([&] { return held.node.journal->counters().failures >= 3; }));
  CHECK(held.node.replica->acknowledged() < after.number);
  CHECK(held.node.journal->trouble().find("is used by process") != std::string::npos);
  CHECK_FALSE(fs::exists(held.path()));
  other.reset();
  REQUIRE(held.node.run_until([&] { return held.node.replica->acknowledged() >= after.number; }));
  CHECK(held.is_on_disk("kiwi"));
  CHECK(held.log.count("event=state_directory_restored") == 1);
}

TEST_CASE("a lock file that was removed alone is made anew within a second, and the journal stays as it is") {
  Held held;
  REQUIRE(held.node.check());
  fs::remove(held.directory.path() / "lock");
  REQUIRE(held.node.check());
  CHECK(fs::exists(held.directory.path() / "lock"));
  CHECK(held.log.count("event=state_directory_restored") == 1);
  CHECK(held.node.journal->counters().repairs == 0);
  CHECK(held.node.journal->counters().failures == 0);
}

TEST_CASE("a journal is looked at once a second, and at once when it is asked for") {
  Held held;
  REQUIRE(held.node.check());
  const auto confirmed = held.node.journal->confirmed();
  const auto due = held.node.journal->next_deadline(*held.node.replica);
  CHECK(due > held.node.now.steady);
  CHECK(due <= held.node.now.steady + 1s);
  held.node.journal->check_soon();
  CHECK(held.node.journal->next_deadline(*held.node.replica) <= held.node.now.steady);
  REQUIRE(held.node.run_until([&] { return held.node.journal->confirmed() > confirmed; }));
  CHECK(held.node.now.steady < due + 1s);
}

TEST_CASE("when a hundred replaced files are kept already, the next one is not overwritten and the reason is said") {
  Held held;
  for (int number = 1; number <= kMostSetAside; ++number) {
    overwrite(held.path().string() + (number == 1 ? ".replaced" : ".replaced." + std::to_string(number)), "old");
  }
  fs::remove(held.path());
  overwrite(held.path(), "foreign");
  const auto after = held.node.accept("kiwi", "5");
  REQUIRE(held.node.run_until([&] { return held.node.journal->counters().failures >= 2; }));
  CHECK(held.node.replica->acknowledged() < after.number);
  CHECK(held.node.journal->trouble().find("exist already: remove those that are not needed") != std::string::npos);
  CHECK(content(held.path()) == "foreign");
  fs::remove(held.path().string() + ".replaced.7");
  REQUIRE(held.node.run_until([&] { return held.node.replica->acknowledged() >= after.number; }));
  CHECK(content(held.path().string() + ".replaced.7") == "foreign");
}

TEST_CASE("a write to a file that cannot be looked at is taken back, and done again when it can") {
  const ScratchDir scratch;
  const auto directory = scratch.path() / "directory";
  const auto moved = scratch.path() / "moved";
  fs::create_directory(directory);
  Journaled node(directory, Acknowledge::Write, kFeed, nullptr);
  (void)node.accept("kiwi", "5");
  REQUIRE(node.check());
  REQUIRE(node.written());
  const auto bytes = node.journal->file_bytes();
  fs::rename(directory, moved);
  fs::create_symlink(directory, directory);  // a loop: stat says neither that it is there nor that it is not
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
  node.journal.reset();
  const Journaled again(directory, Acknowledge::Write, kFeed + 1, nullptr);
  CHECK(again.replica->find("kiwi"));
  CHECK(again.replica->find("plum"));
}

TEST_CASE("a start after a crash in the middle of a repair keeps what there is, and says so") {
  const ScratchDir scratch;
  const CapturedLog log;
  (void)scratch.write("half of a copy", "journal.next");
  const Journaled node(scratch);
  CHECK(node.replica->store().size() == 0);
  CHECK(log.count("event=journal_unfinished kept_as=" + (scratch.path() / "journal.unfinished").string() + " ") == 1);
  CHECK(content(scratch.path() / "journal.unfinished") == "half of a copy");
}

TEST_CASE("a journal that vanishes while the node starts is an error") {
  const ScratchDir scratch;
  auto opened = Journal::open(scratch.path(), Acknowledge::Write, kFeed);
  REQUIRE(opened);
  bus::Replica::Options options;
  options.self = {"herd", "Hill", 1, 0};
  bus::Replica replica(std::move(options), std::move(opened->recovered));
  fs::remove(scratch.path() / "journal");
  const auto began = opened->journal->begin_run(replica);
  REQUIRE_FALSE(began);
  CHECK(began.error().message.find("its file was removed or renamed while this node started") != std::string::npos);
}

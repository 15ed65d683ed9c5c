// The journal of a node: flushes, compactions, restarts, and failing disks, with the real thread and real files.
#include "node/journal/file_disk.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "node/base/set_aside.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/journaled.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/wait_until.hpp"

using namespace herd;
using namespace herd::node;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> syncs_fail = false;
std::atomic<bool> syncs_wait = false;

}  // namespace

// Replaces the C library's function: a disk on which syncs fail, or do not return, when a test sets the flags.
extern "C" int fdatasync(int file) {
  while (syncs_wait) std::this_thread::sleep_for(1ms);
  if (syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

TEST_CASE("a reply may leave when its flush is written, and the record survives the process") {
  const ScratchDir scratch;
  const Acknowledge level = GENERATE(Acknowledge::Write, Acknowledge::Fsync);
  {
    Journaled node(scratch, level);
    const auto outcome = node.accept("kiwi", "5");
    CHECK(node.replica->acknowledged() < outcome.number);
    REQUIRE(node.run_until([&] { return node.replica->acknowledged() >= outcome.number; }));
    CHECK(node.journal->counters().flushes >= 1);
  }
  const Journaled again(scratch, level, kFeed + 1);
  REQUIRE(again.replica->find("kiwi"));
  CHECK(again.replica->find("kiwi")->time_text == "5");
  CHECK(again.replica->self().feed_id == kFeed);
}

TEST_CASE("at ack = memory a change waits for 50 ms before it is written, also after a long idle time") {
  const ScratchDir scratch;
  Journaled node(scratch, Acknowledge::Memory);
  node.now.steady += 10s;
  REQUIRE(node.check());
  REQUIRE(node.accept("kiwi", "5").result == bus::Accepted::Stored);
  const auto accepted_at = node.now.steady;
  REQUIRE(node.advance());
  CHECK(node.journal->next_deadline(*node.replica) == accepted_at + 1ms + 50ms);
  while (node.now.steady < accepted_at + 50ms) REQUIRE(node.advance());
  CHECK(node.journal->next_deadline(*node.replica) <= accepted_at + 51ms);  // no job is under way
  REQUIRE(node.advance());
  CHECK(node.journal->next_deadline(*node.replica) ==
        node.now.steady + 2s);  // a job is under way: the deadline is its kLateAfter
  CHECK(node.written());
}

TEST_CASE("at ack = memory no reply waits for the journal, but the journal is written") {
  const ScratchDir scratch;
  {
    Journaled node(scratch, Acknowledge::Memory);
    const auto outcome = node.accept("kiwi", "5");
    CHECK(node.replica->acknowledged() >= outcome.number);
    REQUIRE(node.written());
  }
  CHECK(Journaled(scratch, Acknowledge::Memory).replica->find("kiwi"));
}

TEST_CASE("a duplicate waits for the record that it repeats") {
  const ScratchDir scratch;
  Journaled node(scratch);
  const auto first = node.accept("kiwi", "5");
  const auto again = node.accept("kiwi", "5");
  CHECK(again.result == bus::Accepted::Duplicate);
  CHECK(again.number == first.number);
  CHECK(node.replica->acknowledged() < again.number);
  REQUIRE(node.written());
  CHECK(node.replica->acknowledged() >= again.number);
}

TEST_CASE("a torn tail is cut off, and the log states its length") {
  const ScratchDir scratch;
  {
    Journaled node(scratch);
    (void)node.accept("kiwi", "5");
    REQUIRE(node.written());
  }
  std::ofstream(scratch.path() / "journal", std::ios::app) << "HJ03torn";
  const CapturedLog log;
  const Journaled again(scratch);
  CHECK(again.replica->find("kiwi"));
  CHECK(log.text().find("event=journal_cut bytes=8 kept_as=" + (scratch.path() / "journal.cut").string() + " ") !=
        std::string::npos);
  std::string cut_end;
  std::ifstream(scratch.path() / "journal.cut") >> cut_end;
  CHECK(cut_end == "HJ03torn");
}

TEST_CASE("a journal of another release is an error, and stays as it is") {
  const ScratchDir scratch;
  std::ofstream(scratch.path() / "journal") << "HJ01 and more";
  const auto opened = FileDisk::open(scratch.path(), 1);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("it was written by an older release of herd, in format HJ01 (this release reads "
                                    "HJ02 to HJ03). Start that release again; or") != std::string::npos);
  CHECK(std::filesystem::file_size(scratch.path() / "journal") == 13);
}

TEST_CASE("the log of a start with an undamaged journal does not mention a cut") {
  const ScratchDir scratch;
  { const Journaled node(scratch); }
  const CapturedLog log;
  const Journaled again(scratch);
  CHECK(log.text().find("journal_cut") == std::string::npos);
}

TEST_CASE("a journal that is damaged in its middle is refused with the way out, and stays as it is") {
  const ScratchDir scratch;
  {
    Journaled node(scratch);
    (void)node.accept("kiwi", "5");
    REQUIRE(node.written());
    (void)node.accept("plum", "5");
    REQUIRE(node.written());
  }
  const auto path = scratch.path() / "journal";
  const auto size = std::filesystem::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40 + static_cast<std::streamoff>(bus::kFrameHeadBytes));
    file.put('\x7f');
  }
  const auto opened = FileDisk::open(scratch.path(), kFeed);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find(path.string()) != std::string::npos);
  CHECK(opened.error().message.find("--discard-journal") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == size);

  const auto moved = FileDisk::discard(scratch.path());
  REQUIRE(moved);
  REQUIRE(*moved);
  CHECK(std::filesystem::file_size(**moved) == size);
  const Journaled fresh(scratch, Acknowledge::Write, kFeed + 1);
  CHECK(fresh.replica->self().feed_id == kFeed + 1);
  CHECK(fresh.replica->store().size() == 0);
}

TEST_CASE("a discarded journal never replaces one that was discarded before") {
  const ScratchDir scratch;
  for (const auto* content : {"first", "second", "third"}) {
    std::ofstream(scratch.path() / "journal") << content;
    REQUIRE(FileDisk::discard(scratch.path()).value());
  }
  const auto content = [&](const char* name) {
    std::string text;
    std::ifstream(scratch.path() / name) >> text;
    return text;
  };
  CHECK(content("journal.discarded") == "first");
  CHECK(content("journal.discarded.2") == "second");
  CHECK(content("journal.discarded.3") == "third");
}

TEST_CASE("when all names of discarded journals are in use, the journal stays where it is") {
  const ScratchDir scratch;
  for (int number = 1; number <= kMostSetAside; ++number) {
    (void)scratch.write("old", number == 1 ? "journal.discarded" : "journal.discarded." + std::to_string(number));
  }
  (void)scratch.write("new", "journal");
  const auto moved = FileDisk::discard(scratch.path());
  REQUIRE_FALSE(moved);
  CHECK(moved.error().message.find("journal.discarded to journal.discarded.100 exist already: remove those") !=
        std::string::npos);
  CHECK(std::filesystem::file_size(scratch.path() / "journal") == 3);
}

TEST_CASE("discard() without a journal succeeds") {
  const ScratchDir scratch;
  const auto moved = FileDisk::discard(scratch.path());
  REQUIRE(moved);
  CHECK_FALSE(*moved);
}

TEST_CASE("a full disk stops acknowledgements, and they continue when there is room again") {
  const ScratchDir scratch;
  const CapturedLog log;
  Journaled node(scratch);
  const auto before = node.accept("kiwi", "5");
  REQUIRE(node.written());
  bus::AcceptOutcome during;
  {
    const FileSizeLimit limit(node.disk->bytes() + 10);
    during = node.accept("plum", "5");
    REQUIRE(node.run_until([&] { return node.journal->counters().failures >= 3; }));
    CHECK(node.replica->acknowledged() >= before.number);
    CHECK(node.replica->acknowledged() < during.number);
    CHECK_FALSE(node.journal->trouble().empty());
    CHECK(log.text().find("event=journal_failing") != std::string::npos);
  }
  REQUIRE(node.run_until([&] { return node.replica->acknowledged() >= during.number; }));
  CHECK(node.journal->trouble().empty());
  CHECK(log.text().find("event=journal_recovered") != std::string::npos);
  node.stop();
  const Journaled again(scratch);
  CHECK(again.replica->find("kiwi"));
  CHECK(again.replica->find("plum"));
}

TEST_CASE("a failed sync stops the node, and is not tried again") {
  const ScratchDir scratch;
  const CapturedLog log;
  Journaled node(scratch, Acknowledge::Fsync);
  REQUIRE(node.written());
  const auto outcome = node.accept("kiwi", "5");
  syncs_fail = true;
  const bool stopped = wait_until([&] { return !node.advance(); });
  syncs_fail = false;
  REQUIRE(stopped);
  CHECK(node.replica->acknowledged() < outcome.number);
  CHECK(log.text().find("event=journal_lost") != std::string::npos);
}

TEST_CASE("a disk that does not answer is reported after three seconds, and the trouble ends when it answers") {
  const ScratchDir scratch;
  const CapturedLog log;
  Journaled node(scratch, Acknowledge::Fsync);
  REQUIRE(node.check());
  const auto outcome = node.accept("kiwi", "5");
  syncs_wait = true;
  while (node.journal->next_deadline(*node.replica) != node.now.steady + 2s) REQUIRE(node.advance());
  node.now.steady += 1'990ms;
  REQUIRE(node.advance());
  CHECK(node.journal->trouble().empty());
  node.now.steady += 10ms;
  REQUIRE(node.advance());  // this process itself may have been frozen
  CHECK(node.journal->trouble().empty());
  node.now.steady += 1s;
  REQUIRE(node.advance());
  CHECK(node.journal->trouble() == "the disk has not answered for 3 s");
  CHECK(node.replica->acknowledged() < outcome.number);
  CHECK(node.journal->next_deadline(*node.replica) == protocol::Nanoseconds::max());
  syncs_wait = false;
  REQUIRE(node.run_until([&] { return node.replica->acknowledged() >= outcome.number; }));
  CHECK(node.journal->trouble().empty());
  CHECK(log.count("event=journal_failing") == 1);
  CHECK(log.count("event=journal_recovered") == 1);
}

TEST_CASE("a run that cannot be written is an error before it gives out a change number") {
  const ScratchDir scratch;
  auto opened = FileDisk::open(scratch.path(), kFeed);
  REQUIRE(opened);
  bus::Replica::Options options;
  options.self = {"herd", "Hill", 1, 0};
  bus::Replica replica(std::move(options), std::move(opened->recovered));
  const FileSizeLimit limit(10);
  CHECK_FALSE(opened->disk->begin_run(replica.planner().begin_run()));
}

TEST_CASE("a file far larger than its live records is compacted while reports come, and no record is lost") {
  const ScratchDir scratch;
  std::size_t reports = 0;
  {
    Journaled node(scratch);
    const std::string padding(200, 'x');
    while (node.journal->counters().compactions == 0) {
      for (int i = 0; i < 2'000; ++i, ++reports) {
        (void)node.accept(padding + std::to_string(reports % 5'000), std::to_string(reports + 1));
      }
      const auto tail = node.replica->store().feed().tail();
      REQUIRE(node.run_until([&] { return node.replica->acknowledged() >= tail; }));
      REQUIRE(reports < 2'000'000);
    }
    REQUIRE(node.written());
    CHECK(node.disk->bytes() < std::uint64_t{16} * 1024 * 1024);
    CHECK(std::filesystem::file_size(scratch.path() / "journal") == node.disk->bytes());
  }
  Journaled again(scratch);
  CHECK(again.replica->store().size() == 5'000);
  const auto last = again.replica->find(std::string(200, 'x') + std::to_string((reports - 1) % 5'000));
  REQUIRE(last);
  CHECK(last->time_text == std::to_string(reports));
}

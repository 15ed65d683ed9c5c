// The journal's schedule with a disk that the test controls.
#include "bus/loop/journal.hpp"

#include <algorithm>

#include "tests/bus/loop/one_loop.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Nanoseconds;
using Kind = JournalEvent::Kind;
using Kinds = std::vector<Kind>;

namespace {

JournalJob failed(std::string trouble) {
  JournalJob result;
  result.trouble = std::move(trouble);
  return result;
}

JournalJob found(FileState state) {
  JournalJob result;
  result.trouble = describe(state);
  result.found = state;
  return result;
}

}  // namespace

TEST_CASE("the first job is a check, and a flush of what was reported follows it") {
  OneJournalLoop one;
  const auto outcome = one.report("kiwi", "5");
  REQUIRE(one.advance());
  CHECK(one.steps == Steps{"check"});
  CHECK(one.journal->confirmed() == Nanoseconds{});
  one.disk.finish();
  REQUIRE(one.advance());
  CHECK(one.steps == Steps{"check", "flush"});
  CHECK(one.journal->confirmed() == one.now.steady);
  CHECK(one.replica->acknowledged() < outcome.number);
  one.disk.finish();
  REQUIRE(one.advance());
  CHECK(one.replica->acknowledged() >= outcome.number);
  CHECK(one.is_on_disk("kiwi"));
  CHECK_FALSE(one.disk.job);
}

TEST_CASE("a flush is synced if the options demand it") {
  for (const bool sync : {false, true}) {
    OneJournalLoop one({.sync = sync});
    REQUIRE(one.settle());
    (void)one.report("kiwi", "5");
    REQUIRE(one.advance());
    REQUIRE(one.disk.job);
    CHECK(one.disk.job->sync == sync);
    CHECK_FALSE(one.disk.job->is_background);
  }
}

TEST_CASE("a flush for which no reply waits begins 50 ms after the first change, as a background job") {
  OneJournalLoop one({}, false);
  REQUIRE(one.settle());
  (void)one.report("kiwi", "5");
  REQUIRE(one.advance(1ms));
  const auto wanted_at = one.now.steady;
  CHECK_FALSE(one.disk.job);
  CHECK(one.journal->next_deadline(*one.replica) == wanted_at + 50ms);
  REQUIRE(one.advance(49ms));
  CHECK_FALSE(one.disk.job);
  REQUIRE(one.advance(1ms));
  REQUIRE(one.disk.job);
  CHECK(one.disk.job->is_background);
}

TEST_CASE("after a failed flush the next one writes the same changes 250 ms later") {
  OneJournalLoop one;
  REQUIRE(one.settle());
  (void)one.take_events();
  const auto outcome = one.report("kiwi", "5");
  REQUIRE(one.advance());
  one.disk.finish(failed("No space left on device"));
  REQUIRE(one.advance());
  CHECK(one.journal->trouble() == "No space left on device");
  CHECK(one.take_events() == Kinds{Kind::Failing});
  CHECK(one.journal->counters().failures == 1);
  CHECK(one.journal->next_deadline(*one.replica) == one.now.steady + 250ms);
  REQUIRE(one.advance(249ms));
  CHECK_FALSE(one.disk.job);
  REQUIRE(one.advance(1ms));
  REQUIRE(one.disk.job);
  one.disk.finish();
  REQUIRE(one.advance());
  CHECK(one.replica->acknowledged() >= outcome.number);
  CHECK(one.journal->trouble().empty());
  CHECK(one.take_events() == Kinds{Kind::Recovered});
}

TEST_CASE("the same trouble is an event only once") {
  OneJournalLoop one;
  REQUIRE(one.settle());
  (void)one.report("kiwi", "5");
  for (int i = 0; i < 5; ++i) {
    REQUIRE(one.advance(250ms));
    REQUIRE(one.disk.job);
    one.disk.finish(failed("No space left on device"));
    REQUIRE(one.advance());
  }
  CHECK(one.take_events() == Kinds{Kind::Failing});
  CHECK(one.journal->counters().failures == 5);
}

TEST_CASE("a flush into a file that is not sound does not count, and the journal is written anew") {
  for (const FileState state : {FileState::Missing, FileState::Replaced, FileState::Shorter, FileState::Longer}) {
    OneJournalLoop one;
    (void)one.report("plum", "5");
    REQUIRE(one.settle());
    (void)one.take_events();
    one.disk.text.clear();  // another program removes the file
    const auto outcome = one.report("kiwi", "5");
    REQUIRE(one.advance());
    one.disk.finish(found(state));
    REQUIRE(one.advance());
    CHECK(one.replica->acknowledged() < outcome.number);
    REQUIRE(one.settle());
    CHECK(one.replica->acknowledged() >= outcome.number);
    CHECK(one.is_on_disk("plum"));
    CHECK(one.is_on_disk("kiwi"));
    CHECK(one.journal->counters().repairs == 1);
    CHECK(one.take_events() == Kinds{Kind::Failing, Kind::Compacted, Kind::Recovered});
  }
}

TEST_CASE("a repair that fails begins again at its beginning") {
  OneJournalLoop one;
  for (int i = 0; i < 3; ++i) (void)one.report("plum" + std::to_string(i), "5");
  REQUIRE(one.settle());
  one.disk.text.clear();
  (void)one.report("kiwi", "5");
  REQUIRE(one.advance());
  one.disk.finish(found(FileState::Missing));
  REQUIRE(one.advance());
  REQUIRE(one.disk.job->starts_compaction);
  one.disk.finish();
  REQUIRE(one.advance());
  REQUIRE(one.disk.job);
  one.disk.finish(failed("No space left on device"));  // ... and the disk removes the new file
  one.disk.new_text.clear();
  REQUIRE(one.advance());
  CHECK(one.journal->trouble().find("cannot be written anew: No space") != std::string::npos);
  REQUIRE(one.advance(2s));
  REQUIRE(one.disk.job);
  CHECK(one.disk.job->starts_compaction);
  REQUIRE(one.settle());
  for (int i = 0; i < 3; ++i) CHECK(one.is_on_disk("plum" + std::to_string(i)));
  CHECK(one.is_on_disk("kiwi"));
}

TEST_CASE("if a flush is always due, a compaction begins when the file is 16 times as far beyond its live records") {
  OneJournalLoop one({.compact_beyond = 1000});
  REQUIRE(one.settle());
  std::size_t largest = 0;
  for (int i = 0; one.journal->counters().compactions == 0; ++i) {
    REQUIRE(i < 1000);
    (void)one.report("kiwi", std::to_string(i + 1));
    REQUIRE(one.advance());
    if (one.disk.job) one.disk.finish();
    largest = std::max(largest, one.disk.text.size());
  }
  CHECK(largest > 16'000);
  CHECK(largest < 17'000);
  REQUIRE(one.settle());
  CHECK(one.is_on_disk("kiwi"));
  CHECK(one.disk.text.size() < 1000);
  CHECK(one.journal->counters().repairs == 0);
}

TEST_CASE("without a flush that is due, a compaction begins at once when the file is too large") {
  OneJournalLoop one({.compact_beyond = 1000});
  REQUIRE(one.settle());
  for (int i = 0; one.disk.text.size() <= 1000; ++i) {
    (void)one.report("kiwi", std::to_string(i + 1));
    REQUIRE(one.advance());
    REQUIRE(one.disk.job);
    one.disk.finish();
    REQUIRE(one.advance());
    if (one.disk.text.size() <= 1000) CHECK(one.journal->counters().compactions == 0);
  }
  REQUIRE(one.settle());
  CHECK(one.journal->counters().compactions == 1);
  CHECK(one.is_on_disk("kiwi"));
}

TEST_CASE("without a write the file is checked once per second, and at once after check_soon()") {
  OneJournalLoop one;
  REQUIRE(one.settle());
  one.steps.clear();
  REQUIRE(one.advance(500ms));
  CHECK(one.steps.empty());
  one.journal->check_soon();
  REQUIRE(one.settle());
  CHECK(one.steps == Steps{"check"});
  REQUIRE(one.advance(999ms));
  REQUIRE(one.advance(1ms));
  CHECK(one.steps == Steps{"check", "check"});
}

TEST_CASE("no flush is written while the checks fail") {
  OneJournalLoop one;
  JournalJob result = failed("Read-only file system");
  result.blocked = true;
  (void)one.report("kiwi", "5");
  for (int i = 0; i < 4; ++i) {
    REQUIRE(one.advance(250ms));
    REQUIRE(one.disk.job);
    one.disk.finish(result);
    REQUIRE(one.advance());
  }
  CHECK(one.steps == Steps{"check", "check", "check", "check"});
  REQUIRE(one.advance(250ms));
  REQUIRE(one.settle());
  CHECK(one.is_on_disk("kiwi"));
  CHECK(one.journal->trouble().empty());
}

TEST_CASE("a disk that does not answer for 3 s is trouble, which ends with its answer") {
  OneJournalLoop one;
  REQUIRE(one.settle());
  (void)one.report("kiwi", "5");
  REQUIRE(one.advance());
  REQUIRE(one.advance(2s));
  CHECK(one.journal->trouble().empty());
  REQUIRE(one.advance(1s));
  CHECK(one.journal->trouble() == "the disk has not answered for 3 s");
  CHECK(one.journal->next_deadline(*one.replica) == Nanoseconds::max());
  one.disk.finish();
  REQUIRE(one.advance());
  CHECK(one.journal->trouble().empty());
  CHECK(one.is_on_disk("kiwi"));
}

TEST_CASE("a restored directory and a file that was set aside are events") {
  OneJournalLoop one;
  REQUIRE(one.advance());
  JournalJob result;
  result.restored = true;
  result.set_aside = "journal.replaced";
  one.disk.finish(result);
  REQUIRE(one.advance());
  CHECK(one.take_events() == Kinds{Kind::DirectoryRestored, Kind::SetAside});
}

TEST_CASE("after a failed sync advance() returns false, and nothing is acknowledged") {
  OneJournalLoop one({.sync = true});
  REQUIRE(one.settle());
  const auto outcome = one.report("kiwi", "5");
  REQUIRE(one.advance());
  JournalJob result = failed("Input/output error");
  result.fatal = true;
  one.disk.finish(result);
  CHECK_FALSE(one.advance());
  CHECK(one.take_events() == Kinds{Kind::Lost});
  CHECK(one.replica->acknowledged() < outcome.number);
}

TEST_CASE("every state of the file has a text") {
  CHECK(describe(FileState::Sound) == "its file is sound");
  CHECK(describe(FileState::Missing) == "its file was removed or renamed");
  CHECK(describe(FileState::Unknown) == "its file cannot be examined");
}

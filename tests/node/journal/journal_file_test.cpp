// The journal's system calls, on real files.
#include "node/journal/journal_file.hpp"

#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

using State = JournalFile::State;
using Names = std::set<std::string>;

Names names(const ScratchDir& scratch) {
  Names all;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) all.insert(entry.path().filename());
  return all;
}

// Moves the file's modification time back by one second, as another program may.
void touch(const std::filesystem::path& path) {
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) - std::chrono::seconds(1));
}

std::unique_ptr<JournalFile> opened(const ScratchDir& scratch) {
  auto file = JournalFile::open(scratch.path());
  REQUIRE(file);
  return std::move(*file);
}

}  // namespace

TEST_CASE("a journal that does not exist is created with access for its owner only") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  CHECK(file->bytes() == 0);
  CHECK(file->map().value().empty());
  CHECK(std::filesystem::status(scratch.path() / "journal").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a missing directory is an error with its name") {
  const ScratchDir scratch;
  const auto file = JournalFile::open(scratch.path() / "missing");
  REQUIRE_FALSE(file);
  CHECK(file.error().message.find("missing") != std::string::npos);
}

TEST_CASE("appended bytes are in the file when it is opened again, and the next append follows them") {
  const ScratchDir scratch;
  REQUIRE(opened(scratch)->append("one ") == 0);
  const auto file = opened(scratch);
  CHECK(file->bytes() == 4);
  CHECK(file->map().value() == "one ");
  REQUIRE(file->append("two") == 0);
  REQUIRE(file->sync() == 0);
  CHECK(content(scratch.path() / "journal") == "one two");
}

TEST_CASE("after a cut the next append takes the position of the tail") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("whole torn") == 0);
  REQUIRE(file->cut(6) == 0);
  CHECK(content(scratch.path() / "journal") == "whole ");
  REQUIRE(file->append("again") == 0);
  CHECK(content(scratch.path() / "journal") == "whole again");
}

TEST_CASE("an append that fails on a full disk leaves the file as it was") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("whole") == 0);
  {
    const FileSizeLimit limit(8);
    CHECK(file->append("too much") == EFBIG);
  }
  CHECK(file->bytes() == 5);
  CHECK(content(scratch.path() / "journal") == "whole");
  REQUIRE(file->append(" again") == 0);
  CHECK(content(scratch.path() / "journal") == "whole again");
}

TEST_CASE("a complete new file replaces the journal") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("long and old") == 0);
  REQUIRE(file->begin_compaction() == 0);
  REQUIRE(file->append_to_new_file("sho") == 0);
  REQUIRE(file->append_to_new_file("rt") == 0);
  CHECK(content(scratch.path() / "journal") == "long and old");
  const auto replacement = file->replace_by_new_file(true);
  CHECK(replacement.trouble.empty());
  CHECK(replacement.committed);
  CHECK(replacement.set_aside.empty());
  CHECK(file->bytes() == 5);
  REQUIRE(file->append(" and new") == 0);
  CHECK(content(scratch.path() / "journal") == "short and new");
  CHECK(names(scratch) == Names{"journal"});
}

TEST_CASE("a dropped new file leaves nothing, and the next one begins empty") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("journal") == 0);
  REQUIRE(file->begin_compaction() == 0);
  REQUIRE(file->append_to_new_file("half of it") == 0);
  file->drop_new_file();
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "journal.next"));
  REQUIRE(file->begin_compaction() == 0);
  CHECK(file->new_file_bytes() == 0);
}

TEST_CASE("an unfinished new file is removed at the next start") {
  const ScratchDir scratch;
  (void)scratch.write("half of it", "journal.next");
  (void)scratch.write("journal", "journal");
  const auto file = opened(scratch);
  CHECK(file->map().value() == "journal");
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "journal.next"));
}

TEST_CASE("an unfinished new file without a journal is set aside at the next start, and the journal is empty") {
  const ScratchDir scratch;
  (void)scratch.write("perhaps whole", "journal.next");
  const auto file = opened(scratch);
  CHECK(file->bytes() == 0);
  CHECK(file->unfinished() == "journal.unfinished");
  CHECK(content(scratch.path() / "journal.unfinished") == "perhaps whole");
  CHECK(opened(scratch)->unfinished().empty());
}

TEST_CASE("a file that no other program has changed is sound after each function") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  CHECK(file->look(true).state == State::Sound);
  REQUIRE(file->append("one two") == 0);
  CHECK(file->look(true).state == State::Sound);
  REQUIRE(file->undo_append(4) == 0);
  CHECK(file->bytes() == 3);
  CHECK(file->look(true).state == State::Sound);
  REQUIRE(file->cut(1) == 0);
  CHECK(file->look(true).state == State::Sound);
  {
    const FileSizeLimit limit(4);
    CHECK(file->append("too much") == EFBIG);
  }
  CHECK(file->look(true).state == State::Sound);
  REQUIRE(file->begin_compaction() == 0);
  REQUIRE(file->append_to_new_file("copy") == 0);
  REQUIRE(file->replace_by_new_file(true).trouble.empty());
  CHECK(file->look(true).state == State::Sound);
  CHECK(file->probe() == 0);
  CHECK(file->look(true).state == State::Sound);
  CHECK(content(scratch.path() / "journal") == "copy");
}

TEST_CASE("look() finds that another program has removed, replaced or changed the file") {
  const ScratchDir scratch;
  const auto path = scratch.path() / "journal";
  const auto file = opened(scratch);
  REQUIRE(file->append("whole") == 0);
  REQUIRE(file->look(true).state == State::Sound);  // the first look stores the time
  SECTION("removed") {
    std::filesystem::remove(path);
    CHECK(file->look(true).state == State::Missing);
    CHECK(file->look_at_content(true).state == State::Sound);
  }
  SECTION("renamed") {
    std::filesystem::rename(path, scratch.path() / "journal.bak");
    CHECK(file->look(true).state == State::Missing);
  }
  SECTION("replaced") {
    std::filesystem::remove(path);
    (void)scratch.write("whole", "journal");
    CHECK(file->look(true).state == State::Replaced);
  }
  SECTION("truncated") {
    std::filesystem::resize_file(path, 4);
    CHECK(file->look(true).state == State::Shorter);
    CHECK(file->look_at_content(false).state == State::Shorter);
  }
  SECTION("appended to") {
    std::ofstream(path, std::ios::app) << "!";
    CHECK(file->look(true).state == State::Longer);
    CHECK(file->look_at_content(false).state == State::Longer);
  }
  SECTION("changed") {
    touch(path);
    CHECK(file->look(true).state == State::Changed);
    CHECK(file->look(false).state == State::Sound);
    CHECK(file->look_at_content(true).state == State::Changed);
  }
  SECTION("its directory is another") {
    const auto moved = scratch.path().string() + "-moved";
    std::filesystem::rename(scratch.path(), moved);
    CHECK(file->look(true).state == State::Missing);
    std::filesystem::copy(moved, scratch.path());
    CHECK(file->look(true).state == State::Replaced);
    std::filesystem::remove_all(moved);
  }
}

TEST_CASE("an append to a truncated file leaves no hole") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("a long text") == 0);
  std::filesystem::resize_file(scratch.path() / "journal", 1);
  REQUIRE(file->append("b") == 0);
  CHECK(content(scratch.path() / "journal") == "ab");
  CHECK(file->look(false).state == State::Shorter);
}

TEST_CASE("a foreign file with the journal's name is set aside when a new file takes the name") {
  const ScratchDir scratch;
  const auto path = scratch.path() / "journal";
  const auto file = opened(scratch);
  REQUIRE(file->append("own") == 0);
  const auto replace = [&] {
    REQUIRE(file->begin_compaction() == 0);
    REQUIRE(file->append_to_new_file("anew") == 0);
    const auto done = file->replace_by_new_file(true);
    REQUIRE(done.trouble.empty());
    CHECK(content(path) == "anew");
    CHECK(file->look(true).state == State::Sound);
    return done.set_aside;
  };
  std::filesystem::remove(path);
  CHECK(replace().empty());  // no file has the name
  std::filesystem::remove(path);
  (void)scratch.write("", "journal");
  CHECK(replace().empty());  // an empty file is not set aside
  std::ofstream(path) << "backup";
  CHECK(replace() == "journal.replaced");
  std::filesystem::remove(path);
  (void)scratch.write("another", "journal");
  CHECK(replace() == "journal.replaced.2");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK(replace() == "journal.replaced.3");
  CHECK(content(scratch.path() / "journal.replaced") == "backup");
  CHECK(content(scratch.path() / "journal.replaced.2") == "another");
  CHECK(names(scratch) == Names{"journal", "journal.replaced", "journal.replaced.2", "journal.replaced.3"});
}

TEST_CASE("a new file that another program has changed does not replace the journal") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("own") == 0);
  REQUIRE(file->begin_compaction() == 0);
  REQUIRE(file->append_to_new_file("anew") == 0);
  SECTION("removed") {
    std::filesystem::remove(scratch.path() / "journal.next");
  }
  SECTION("replaced") {
    std::filesystem::remove(scratch.path() / "journal.next");
    (void)scratch.write("anew", "journal.next");
  }
  SECTION("truncated") {
    std::filesystem::resize_file(scratch.path() / "journal.next", 3);
  }
  const auto done = file->replace_by_new_file(true);
  CHECK(done.trouble == "journal.next was changed or removed while it was written");
  CHECK_FALSE(done.committed);
  CHECK(content(scratch.path() / "journal") == "own");
}

TEST_CASE("a compaction begins in the directory that has the path now") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("own") == 0);
  std::filesystem::remove_all(scratch.path());
  CHECK(file->begin_compaction() == ENOENT);
  std::filesystem::create_directory(scratch.path());
  REQUIRE(file->begin_compaction() == 0);
  REQUIRE(file->append_to_new_file("anew") == 0);
  REQUIRE(file->replace_by_new_file(true).trouble.empty());
  CHECK(content(scratch.path() / "journal") == "anew");
}

// The journal's system calls, on real files.
#include "node/journal_file.hpp"

#include <fstream>
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

std::unique_ptr<JournalFile> opened(const ScratchDir& scratch) {
  auto file = JournalFile::open(scratch.path());
  REQUIRE(file);
  return std::move(*file);
}

}  // namespace

TEST_CASE("a journal that was not there is made, for its owner alone") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  CHECK(file->bytes() == 0);
  CHECK(file->map().value().empty());
  CHECK(std::filesystem::status(scratch.path() / "journal").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a directory that is not there is an error with its name") {
  const ScratchDir scratch;
  const auto file = JournalFile::open(scratch.path() / "missing");
  REQUIRE_FALSE(file);
  CHECK(file.error().message.find("missing") != std::string::npos);
}

TEST_CASE("what was appended is there when the file is opened again, and is gone on with") {
  const ScratchDir scratch;
  REQUIRE(opened(scratch)->append("one ") == 0);
  const auto file = opened(scratch);
  CHECK(file->bytes() == 4);
  CHECK(file->map().value() == "one ");
  REQUIRE(file->append("two") == 0);
  REQUIRE(file->sync() == 0);
  CHECK(content(scratch.path() / "journal") == "one two");
}

TEST_CASE("a tail that is cut off is gone, and the next append stands in its place") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("whole torn") == 0);
  REQUIRE(file->cut(6) == 0);
  CHECK(content(scratch.path() / "journal") == "whole ");
  REQUIRE(file->append("again") == 0);
  CHECK(content(scratch.path() / "journal") == "whole again");
}

TEST_CASE("an append that a full disk cuts off leaves the file as it was") {
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

TEST_CASE("a copy takes the journal's place whole") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("long and old") == 0);
  REQUIRE(file->begin_copy() == 0);
  REQUIRE(file->append_to_copy("sho") == 0);
  REQUIRE(file->append_to_copy("rt") == 0);
  CHECK(content(scratch.path() / "journal") == "long and old");
  bool committed = false;
  REQUIRE(file->replace_by_copy(committed) == 0);
  CHECK(committed);
  CHECK(file->bytes() == 5);
  REQUIRE(file->append(" and new") == 0);
  CHECK(content(scratch.path() / "journal") == "short and new");
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "journal.next"));
}

TEST_CASE("a copy that was given up leaves nothing, and the next one begins empty") {
  const ScratchDir scratch;
  const auto file = opened(scratch);
  REQUIRE(file->append("journal") == 0);
  REQUIRE(file->begin_copy() == 0);
  REQUIRE(file->append_to_copy("half of it") == 0);
  file->drop_copy();
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "journal.next"));
  REQUIRE(file->begin_copy() == 0);
  CHECK(file->copy_bytes() == 0);
}

TEST_CASE("a copy that a crash cut off is removed at the next start") {
  const ScratchDir scratch;
  (void)scratch.write("half of it", "journal.next");
  (void)scratch.write("journal", "journal");
  const auto file = opened(scratch);
  CHECK(file->map().value() == "journal");
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "journal.next"));
}

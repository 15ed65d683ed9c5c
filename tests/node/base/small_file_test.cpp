#include "node/base/small_file.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

constexpr FileRules kRules{
    .most_bytes = 5, .too_long = "is too long", .refused_mode = kOwnerOnly, .is_of_this_user = true};

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("a small file is read up to its bound, and no further") {
  const ScratchDir scratch;
  const auto file = scratch.write("12345");
  chmod(file.c_str(), 0600);
  CHECK(read_small_file(file, kRules).value() == "12345");
  (void)scratch.write("123456");
  CHECK(read_small_file(file, kRules).error().message == "is too long");
  (void)scratch.write("");
  CHECK(read_small_file(file, kRules).value().empty());
}

TEST_CASE("a small file with a refused permission is not read, and the remedy is named") {
  const ScratchDir scratch;
  const auto file = scratch.write("1");
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0666U}) {
    chmod(file.c_str(), mode);
    CHECK(read_small_file(file, kRules).error().message ==
          fmt::format("may be used by others (mode {:04o}): chmod 600 it", mode));
  }
  CHECK(read_small_file(file, {.most_bytes = 5, .too_long = ""}));
  chmod(file.c_str(), 0400);
  CHECK(read_small_file(file, kRules));
}

TEST_CASE("a FIFO, a directory and an absent file are refused without waiting, and no descriptor stays open") {
  const ScratchDir scratch;
  const auto pipe = scratch.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const auto loose = scratch.write("123456");
  const std::size_t before = open_descriptors();
  CHECK(read_small_file(pipe, kRules).error().message == "is not a regular file");
  CHECK(read_small_file(scratch.path(), kRules).error().message == "is not a regular file");
  CHECK(read_small_file(scratch.path() / "none", kRules).error().message ==
        "cannot be read (No such file or directory)");
  CHECK_FALSE(read_small_file(loose, kRules));
  CHECK(open_descriptors() == before);
}

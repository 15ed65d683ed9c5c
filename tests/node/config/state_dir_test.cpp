#include "node/config/state_dir.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;
namespace fs = std::filesystem;

namespace {

Config config_in(const fs::path& state_dir) {
  Config config;
  config.state_dir = state_dir;
  return config;
}

}  // namespace

TEST_CASE("a state directory is created for the owner only and contains the process id") {
  const ScratchDir scratch;
  const auto directory = StateDir::open(config_in(scratch.path() / "a/b"), "Hill");
  REQUIRE(directory);
  CHECK(directory->path() == scratch.path() / "a/b/nodes/Hill");
  for (const auto* part : {"a", "a/b", "a/b/nodes", "a/b/nodes/Hill"}) {
    CHECK((fs::status(scratch.path() / part).permissions() & fs::perms::all) == fs::perms::owner_all);
  }
  std::ifstream lock(directory->path() / "lock");
  long pid = 0;
  lock >> pid;
  CHECK(pid == getpid());
}

TEST_CASE("one process at a time uses a state directory, until it ends") {
  const ScratchDir scratch;
  const auto config = config_in(scratch.path());
  {
    auto first = StateDir::open(config, "Hill");
    REQUIRE(first);
    const auto second = StateDir::open(config, "Hill");
    REQUIRE_FALSE(second);
    CHECK(second.error().message == "state directory " + first->path().string() + " is used by process " +
                                        std::to_string(getpid()) +
                                        ": stop that process, or set `state_dir` or "
                                        "$HERD_STATE_DIR to another directory");
    CHECK(StateDir::open(config, "Smith"));
    const StateDir moved = std::move(*first);
    CHECK_FALSE(StateDir::open(config, "Hill"));
  }
  CHECK(StateDir::open(config, "Hill"));
}

TEST_CASE("a state directory that cannot be created gives one line with a remedy") {
  const ScratchDir scratch;
  const auto file = scratch.write("no directory", "file");
  const auto directory = StateDir::open(config_in(file), "Hill");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().message == "state directory " + (file / "nodes").string() +
                                         " cannot be created (Not a directory): correct that, or set `state_dir` or "
                                         "$HERD_STATE_DIR to another directory");
}

TEST_CASE("a directory that may not be written is refused") {
  if (geteuid() == 0) return;  // root may write everywhere
  const ScratchDir scratch;
  fs::permissions(scratch.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto directory = StateDir::open(config_in(scratch.path()), "Hill");
  fs::permissions(scratch.path(), fs::perms::owner_all);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().message.find("Permission denied") != std::string::npos);
}

TEST_CASE("restore() does nothing if the lock file is unchanged") {
  const ScratchDir scratch;
  auto directory = StateDir::open(config_in(scratch.path()), "Hill");
  REQUIRE(directory);
  CHECK_FALSE(directory->restore().value());
}

TEST_CASE("a lock file or a directory that was removed or renamed is created again and locks other processes out") {
  const ScratchDir scratch;
  const auto config = config_in(scratch.path());
  auto directory = StateDir::open(config, "Hill");
  REQUIRE(directory);
  SECTION("the lock file is removed") {
    fs::remove(directory->path() / "lock");
  }
  SECTION("the lock file is replaced") {
    fs::remove(directory->path() / "lock");
    std::ofstream(directory->path() / "lock") << "17\n";
  }
  SECTION("the directory is removed") {
    fs::remove_all(directory->path());
  }
  SECTION("the parent directory is removed") {
    fs::remove_all(scratch.path() / "nodes");
  }
  SECTION("the directory is renamed") {
    fs::rename(directory->path(), scratch.path() / "moved");
  }
  REQUIRE(directory->restore().value());
  CHECK((fs::status(directory->path()).permissions() & fs::perms::all) == fs::perms::owner_all);
  const auto second = StateDir::open(config, "Hill");
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("is used by process " + std::to_string(getpid())) != std::string::npos);
  CHECK_FALSE(directory->restore().value());
}

TEST_CASE("restore() fails while another process has the lock of a new lock file, and succeeds afterwards") {
  const ScratchDir scratch;
  const auto config = config_in(scratch.path());
  auto directory = StateDir::open(config, "Hill");
  REQUIRE(directory);
  fs::remove(directory->path() / "lock");
  {
    const auto second = StateDir::open(config, "Hill");
    REQUIRE(second);
    const auto restored = directory->restore();
    REQUIRE_FALSE(restored);
    CHECK(restored.error().message.find("is used by process") != std::string::npos);
  }
  CHECK(directory->restore().value());
}

TEST_CASE("a directory that cannot be created again gives an error") {
  const ScratchDir scratch;
  auto directory = StateDir::open(config_in(scratch.path() / "state"), "Hill");
  REQUIRE(directory);
  fs::remove_all(scratch.path() / "state");
  (void)scratch.write("no directory", "state");
  const auto restored = directory->restore();
  REQUIRE_FALSE(restored);
  CHECK(restored.error().message.find("cannot be created (Not a directory)") != std::string::npos);
}

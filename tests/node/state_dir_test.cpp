#include "node/state_dir.hpp"

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

TEST_CASE("a state directory is made for the owner alone and says whose it is") {
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

TEST_CASE("a state directory is used by one node at a time, and free when that ends") {
  const ScratchDir scratch;
  const auto config = config_in(scratch.path());
  {
    auto first = StateDir::open(config, "Hill");
    REQUIRE(first);
    const auto second = StateDir::open(config, "Hill");
    REQUIRE_FALSE(second);
    CHECK(second.error().message == "state directory " + first->path().string() + " is used by process " +
                                        std::to_string(getpid()) + ": stop it or set HERD_STATE_DIR");
    CHECK(StateDir::open(config, "Smith"));
    const StateDir moved = std::move(*first);
    CHECK_FALSE(StateDir::open(config, "Hill"));
  }
  CHECK(StateDir::open(config, "Hill"));
}

TEST_CASE("a state directory that cannot be is one line that says what to do") {
  const ScratchDir scratch;
  const auto file = scratch.write("no directory", "file");
  const auto directory = StateDir::open(config_in(file), "Hill");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().message == "state directory " + (file / "nodes").string() +
                                         " cannot be made (Not a directory): permit it, or set HERD_STATE_DIR to a "
                                         "directory of your own");
}

TEST_CASE("what may not be written is refused") {
  if (geteuid() == 0) return;  // root may write everywhere
  const ScratchDir scratch;
  fs::permissions(scratch.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto directory = StateDir::open(config_in(scratch.path()), "Hill");
  fs::permissions(scratch.path(), fs::perms::owner_all);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().message.find("Permission denied") != std::string::npos);
}

#include "node/base/socket_file.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

namespace fs = std::filesystem;

bool is_private_socket(const fs::path& path) {
  struct stat file {};
  return lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode) && (file.st_mode & 0777) == 0600;
}

// Waits at most ten seconds for the next descriptor; -1 if there is none.
int next_of(SocketFile& socket) {
  pollfd made{socket.descriptor(), POLLIN, 0};
  return poll(&made, 1, 10'000) == 1 ? socket.take() : -1;
}

TEST_CASE("a socket file has mode 0600 and is removed by the destructor") {
  const ScratchDir scratch;
  const auto path = scratch.path() / "control";
  std::ofstream(path) << "left by a node that was killed";
  {
    auto socket = SocketFile::open(scratch.path(), "control");
    REQUIRE(socket);
    CHECK(is_private_socket(path));
    const int listening = next_of(**socket);
    CHECK(listening >= 0);
    CHECK((*socket)->take() == -1);
    close(listening);
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a socket file that is removed or replaced is created again and logged") {
  const CapturedLog log;
  const ScratchDir scratch;
  const auto path = scratch.path() / "control";
  auto socket = SocketFile::open(scratch.path(), "control");
  REQUIRE(socket);
  int before = next_of(**socket);
  const auto again = [&] {
    const int listening = next_of(**socket);
    CHECK(listening >= 0);
    CHECK(is_private_socket(path));
    close(before);
    before = listening;
  };
  fs::remove(path);
  again();
  fs::remove(path);
  std::ofstream(path) << "something else";
  again();
  fs::rename(scratch.path(), scratch.path().string() + ".moved");
  fs::create_directory(scratch.path());
  again();
  CHECK(fs::exists(scratch.path().string() + ".moved/control"));
  fs::remove_all(scratch.path().string() + ".moved");
  socket->reset();
  CHECK(log.count("event=socket_made_again path=" + path.string()) == 3);
  close(before);
}

TEST_CASE("a socket file is created again after its directory was removed and created again") {
  const CapturedLog log;
  const ScratchDir scratch;
  const auto directory = scratch.path() / "Hill";
  fs::create_directory(directory);
  auto socket = SocketFile::open(directory, "control");
  REQUIRE(socket);
  const int first = next_of(**socket);
  fs::remove_all(directory);
  REQUIRE(wait_until([&] { return log.count("event=socket_missing") == 1; }));
  fs::create_directory(directory);
  const int second = next_of(**socket);
  CHECK(second >= 0);
  CHECK(is_private_socket(directory / "control"));
  socket->reset();  // ends the thread, which logs
  CHECK(log.count("event=socket_missing") == 1);
  close(first);
  close(second);
}

TEST_CASE("the destructor does not remove a file of another owner") {
  const ScratchDir scratch;
  const auto path = scratch.path() / "control";
  auto socket = SocketFile::open(scratch.path(), "control");
  REQUIRE(socket);
  const int listening = next_of(**socket);
  fs::remove(path);
  std::ofstream(path) << "another's";
  socket->reset();  // within kLookPeriod, before the thread creates its own file again
  close(listening);
  struct stat file {};
  CHECK((lstat(path.c_str(), &file) != 0 || S_ISREG(file.st_mode)));
}

TEST_CASE("a socket file in a missing directory is an error") {
  const auto socket = SocketFile::open("/nonexistent", "control");
  REQUIRE_FALSE(socket);
  CHECK(socket.error().message.find("No such file") != std::string::npos);
}

}  // namespace
}  // namespace herd::node

#include "node/base/standard_descriptors.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/standard_error_to.hpp"

namespace herd::node {
namespace {

// Whether the descriptor refers to /dev/null.
bool is_null(int descriptor) {
  std::array<char, 64> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  return readlink(link.c_str(), target.data(), target.size()) > 0 && std::string(target.data()) == "/dev/null";
}

// In a child process: closes the descriptors of the mask and opens them again. Returns its wait status; 0 is success.
int closed_ones_are_null(int mask) {
  const pid_t child = fork();
  if (child == 0) {
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
      if ((mask & 1 << descriptor) != 0) close(descriptor);
    }
    const bool opened = open_standard_descriptors().has_value();
    bool all_right = opened;
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
      const bool was_closed = (mask & 1 << descriptor) != 0;
      all_right = all_right && fcntl(descriptor, F_GETFD) >= 0 && (!was_closed || is_null(descriptor));
    }
    const int next = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    _exit(all_right && next > 2 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST_CASE("closed standard descriptors are opened on /dev/null, and others stay unchanged") {
  for (int mask = 0; mask < 8; ++mask) {
    INFO("closed: " << mask);
    CHECK(closed_ones_are_null(mask) == 0);
  }
}

TEST_CASE("a write to a full pipe as standard error returns, and other users of the pipe get no O_NONBLOCK") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const int shared = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
  {
    const StandardErrorTo redirected(ends[1]);
    make_standard_error_nonblocking();
    const std::string text(4096, 'x');
    ssize_t written = 0;
    for (int i = 0; i < 1'000 && written >= 0; ++i) written = write(STDERR_FILENO, text.data(), text.size());
    CHECK(written == -1);
    CHECK(errno == EAGAIN);
  }
  CHECK((fcntl(shared, F_GETFL) & O_NONBLOCK) == 0);
  close(shared);
  close(ends[0]);
}

TEST_CASE("a file as standard error is not opened again, which would write at its start") {
  const std::string path = "/tmp/herd-test-" + std::to_string(getpid());
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  REQUIRE(write(file, "before", 6) == 6);
  {
    const StandardErrorTo redirected(fcntl(file, F_DUPFD_CLOEXEC, 3));
    make_standard_error_nonblocking();
    CHECK(write(STDERR_FILENO, "after", 5) == 5);
  }
  std::array<char, 32> text{};
  CHECK(pread(file, text.data(), text.size(), 0) == 11);
  CHECK(std::string(text.data()) == "beforeafter");
  close(file);
  unlink(path.c_str());
}

}  // namespace
}  // namespace herd::node

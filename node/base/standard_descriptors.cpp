#include "node/base/standard_descriptors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace herd::node {

protocol::Result<void> open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // open() returns the lowest free number, which is `descriptor`. If /dev/null is missing, O_PATH occupies the
    // number, and writes to it fail.
    int opened = open("/dev/null", O_RDWR);
    if (opened < 0) opened = open("/", O_PATH);
    if (opened < 0)
      return protocol::fail(std::string("the standard descriptors cannot be opened on /dev/null: ") +
                            std::strerror(errno));
  }
  return {};
}

void make_standard_error_nonblocking() {
  struct stat status {};
  if (fstat(STDERR_FILENO, &status) != 0 || (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))) return;
  const int again = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (again < 0) return;
  dup2(again, STDERR_FILENO);
  close(again);
}

}  // namespace herd::node

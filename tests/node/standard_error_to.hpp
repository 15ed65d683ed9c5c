// Redirects standard error as long as an object of this class exists, for tests.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace herd::node {

class StandardErrorTo {
 public:
  explicit StandardErrorTo(const std::filesystem::path& file)
      : StandardErrorTo(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  // Takes ownership of the descriptor.
  explicit StandardErrorTo(int descriptor) : saved_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    dup2(descriptor, STDERR_FILENO);
    close(descriptor);
  }
  ~StandardErrorTo() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }
  StandardErrorTo(const StandardErrorTo&) = delete;
  StandardErrorTo& operator=(const StandardErrorTo&) = delete;

 private:
  int saved_;
};

}  // namespace herd::node

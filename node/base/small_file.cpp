#include "node/base/small_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

// Owns a descriptor.
class Descriptor {
 public:
  // Does not block on a FIFO.
  explicit Descriptor(const std::filesystem::path& file) : fd_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> check_access(const struct stat& found, const FileRules& rules) {
  if (rules.is_of_this_user && found.st_uid != geteuid()) {
    return fail(
        fmt::format("belongs to another user ({}): chown it to the user of the node ({})", found.st_uid, geteuid()));
  }
  if ((found.st_mode & rules.refused_mode) != 0) {
    return fail(fmt::format("may be used by others (mode {:04o}): chmod {:o} it", found.st_mode & 07777U,
                            static_cast<unsigned>(rules.wanted_mode)));
  }
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::filesystem::path& file, const FileRules& rules) {
  const Descriptor descriptor(file);
  struct stat found {};
  if (descriptor.get() < 0 || fstat(descriptor.get(), &found) != 0) {
    return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
  }
  if (!S_ISREG(found.st_mode)) return fail("is not a regular file");
  if (const auto allowed = check_access(found, rules); !allowed) return tl::unexpected(allowed.error());
  std::string text(rules.most_bytes + 1, '\0');  // never grows: that would leave copies in memory
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(descriptor.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > rules.most_bytes) return fail(std::string(rules.too_long));
  text.resize(size);
  return text;
}

Result<void> check_private_directory(const std::filesystem::path& directory) {
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
  if (!S_ISDIR(found.st_mode)) return fail("is not a directory");
  return check_access(found, {.refused_mode = kOwnerOnly, .wanted_mode = 0700, .is_of_this_user = true});
}

}  // namespace herd::node

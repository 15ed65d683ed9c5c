#include "node/config/private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

// Reads to the end of the file. The Error as for read_small_file().
Result<std::string> read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> bytes{};
  for (;;) {
    const ssize_t count = read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
    if (count == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxBytes) return fail("has more than 1 MiB: it is not a file of keys");
  }
}

Result<void> check_owner(const struct stat& found, std::string_view mode) {
  if (found.st_uid != geteuid()) {
    return fail(
        fmt::format("belongs to another user ({}): chown it to the user of the node ({})", found.st_uid, geteuid()));
  }
  if ((found.st_mode & 077U) != 0) {
    return fail(fmt::format("may be used by others (mode {:04o}): chmod {} it", found.st_mode & 07777U, mode));
  }
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::filesystem::path& file, Access access) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // must not block on a FIFO
  struct stat found {};
  if (descriptor < 0 || fstat(descriptor, &found) != 0) {
    return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
  }
  Result<std::string> text = fail("is not a regular file");
  if (S_ISREG(found.st_mode)) text = read_all(descriptor);
  close(descriptor);
  if (access == Access::Any || !text) return text;
  if (const auto owned = check_owner(found, "600"); !owned) return tl::unexpected(owned.error());
  return text;
}

Result<void> check_private_directory(const std::filesystem::path& directory) {
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) return fail(fmt::format("cannot be read ({})", std::strerror(errno)));
  if (!S_ISDIR(found.st_mode)) return fail("is not a directory");
  return check_owner(found, "700");
}

}  // namespace herd::node

#include "node/base/set_aside.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

// Calls `take` with each name in turn until it returns 0 (success) or an errno other than EEXIST.
template <typename Take>
Result<std::string> take_free_name(const SetAside& file, Take take) {
  for (int number = 1; number <= kMostSetAside; ++number) {
    std::string name = number == 1 ? file.as : fmt::format("{}.{}", file.as, number);
    const int error = take(name);
    if (error == 0) return name;
    if (error != EEXIST)
      return fail(fmt::format("{} cannot be set aside as {} ({})", file.name, name, strerror(error)));
  }
  return fail(fmt::format("{0} cannot be set aside: {1} to {1}.{2} exist already: remove those that are not needed",
                          file.name, file.as, kMostSetAside));
}

// Returns 0 or errno. Some file systems do not support RENAME_NOREPLACE; there it first checks that the name is free.
int rename_to_free(const SetAside& file, const std::string& name) {
  if (renameat2(file.folder, file.name.c_str(), file.folder, name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  struct stat status {};
  if (fstatat(file.folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  return renameat(file.folder, file.name.c_str(), file.folder, name.c_str()) == 0 ? 0 : errno;
}

// Returns 0 or errno.
int write_file(int folder, const std::string& name, std::string_view bytes) {
  const int file = openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  int error = 0;
  while (error == 0 && !bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    if (count == 0) error = ENOSPC;
    if (count < 0 && errno != EINTR) error = errno;
  }
  if (error == 0 && fsync(file) != 0) error = errno;
  close(file);
  if (error != 0) unlinkat(folder, name.c_str(), 0);
  return error;
}

}  // namespace

Result<std::string> rename_aside(const SetAside& file) {
  return take_free_name(file, [&](const std::string& name) { return rename_to_free(file, name); });
}

Result<std::string> link_aside(const SetAside& file) {
  bool links = true;
  return take_free_name(file, [&](const std::string& name) {
    if (links) {
      if (linkat(file.folder, file.name.c_str(), file.folder, name.c_str(), 0) == 0) return 0;
      if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK && errno != ENOSYS) return errno;
      links = false;
    }
    return rename_to_free(file, name);
  });
}

Result<std::string> write_aside(const SetAside& file, std::string_view bytes) {
  return take_free_name(file, [&](const std::string& name) { return write_file(file.folder, name, bytes); });
}

}  // namespace herd::node

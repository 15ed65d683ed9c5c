// Other names for files that must not be lost: `journal.discarded`, then `journal.discarded.2`, and so on. A file that
// has such a name already is never overwritten. System calls that may wait for the disk; any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

// Names of one kind in one directory. More are left by no accident: an operator must look and remove some.
inline constexpr int kMostSetAside = 100;

// In the directory that `folder` is open on: `name` is the file, `as` the first name to try.
struct SetAside {
  int folder = -1;
  std::string name;
  std::string as;
};

// Renames the file. Returns its new name; an Error if it cannot be renamed, or if all names are in use.
[[nodiscard]] protocol::Result<std::string> rename_aside(const SetAside& file);

// Gives the file a second name, so that it keeps the first one until another file takes it. Where the file system has
// no hard links, or it is no plain file, it is renamed.
[[nodiscard]] protocol::Result<std::string> link_aside(const SetAside& file);

// Writes `bytes` to a new file, synced: a part of `file.name` that is about to be cut off. An Error leaves nothing.
[[nodiscard]] protocol::Result<std::string> write_aside(const SetAside& file, std::string_view bytes);

}  // namespace herd::node

// Sets files aside that must not be lost, under a new name: `journal.discarded`, then `journal.discarded.2`, and so on.
// Never overwrites a file. Any thread; the system calls may wait for the disk.
#pragma once

#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

// The most names of one kind in one directory. If all are in use, the cause persists: an operator must find it and
// remove files.
inline constexpr int kMostSetAside = 100;

// Which file, and its new name.
struct SetAside {
  int folder = -1;   // an open descriptor of the directory of both names
  std::string name;  // the file
  std::string as;    // the first new name to try
};

// Renames the file. Returns its new name, or an Error if it cannot be renamed or all names are in use.
[[nodiscard]] protocol::Result<std::string> rename_aside(const SetAside& file);

// Gives the file a second name (a hard link), so that it also keeps its first name until another file replaces it
// there. Renames it if the file system has no hard links or it is not a regular file. Result as for rename_aside().
[[nodiscard]] protocol::Result<std::string> link_aside(const SetAside& file);

// Writes `bytes`, a part of `file.name` that is about to be cut off, to a new file and syncs it. Returns the name of
// the new file. Leaves no file after an Error.
[[nodiscard]] protocol::Result<std::string> write_aside(const SetAside& file, std::string_view bytes);

}  // namespace herd::node

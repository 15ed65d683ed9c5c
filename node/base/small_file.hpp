// Reads small files, most of them secrets: keys of nodes, of TLS and of places, and the tokens of clients. Any thread;
// may wait for the disk.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

// Permissions that a secret may not have: any of group and others.
inline constexpr mode_t kOwnerOnly = 077;

struct FileRules {
  std::size_t most_bytes = 0;
  std::string_view too_long{};   // the Error for a longer file, such as "has more than 1 MiB: it is not a file of keys"
  mode_t refused_mode = 0;       // the file may have none of these permissions
  mode_t wanted_mode = 0600;     // the remedy in the Error
  bool is_of_this_user = false;  // the file must belong to the user of this process
};

// Returns the text of a regular file. Does not block on a FIFO. The text is never copied, so the caller can erase a
// secret from memory. The Error continues a sentence that begins with the file's name: "may be used by others ...". It
// contains nothing of the text.
[[nodiscard]] protocol::Result<std::string> read_small_file(const std::filesystem::path& file, const FileRules& rules);

// Checks that a directory belongs to the user of this process, and that no other may use it. The Error as above.
[[nodiscard]] protocol::Result<void> check_private_directory(const std::filesystem::path& directory);

}  // namespace herd::node

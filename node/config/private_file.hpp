// Reads small files that only their owner may access, because they contain a secret. Any thread; may wait for the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "protocol/result.hpp"

namespace herd::node {

enum class Access : std::uint8_t {
  OwnerOnly,  // of this process's user, and no other may read or write it
  Any,
};

// Returns the text of a regular file of at most 1 MiB. The Error continues a sentence that begins with the file's name:
// "may be used by others ...".
[[nodiscard]] protocol::Result<std::string> read_small_file(const std::filesystem::path& file, Access access);

// Checks that a directory belongs to this process's user, and that no other may use it. The Error as above.
[[nodiscard]] protocol::Result<void> check_private_directory(const std::filesystem::path& directory);

}  // namespace herd::node

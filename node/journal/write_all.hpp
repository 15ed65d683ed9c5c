// Writes to a file, for the journal and its backup. Any thread.
#pragma once

#include <string_view>

namespace herd::node {

// Writes all bytes to the open file, at its position. Returns 0 or errno; then a part of the bytes may be in the file.
[[nodiscard]] int write_all(int file, std::string_view bytes);

}  // namespace herd::node

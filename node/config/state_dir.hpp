// The directory with the files of one node that outlive its process. It is locked while this object exists, so that no
// second process of the node uses it. Owns the descriptor of the lock file. Any thread, one at a time.
#pragma once

#include <filesystem>
#include <string_view>

#include "node/config/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class StateDir {
 public:
  // Creates `<state_dir>/nodes/<name>` with mode 0700, and locks it. The Error names the process that uses it, or the
  // directory that cannot be created or written, in one line.
  [[nodiscard]] static protocol::Result<StateDir> open(const Config& config, std::string_view name);

  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&&) = delete;
  ~StateDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Checks that the lock file at its path is still the one that this object has locked. If the file or the directory
  // was removed or renamed, another process of this node could start. It then creates and locks them again, and returns
  // true. Returns an Error if another process has the lock by then, or if they cannot be created. May wait for the
  // disk.
  [[nodiscard]] protocol::Result<bool> restore();

 private:
  StateDir(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_ = -1;  // -1: moved from
};

}  // namespace herd::node

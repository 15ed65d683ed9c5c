// The directory in which one node keeps what must outlive it, locked for as long as this object lives. Owns the lock
// file's descriptor; any thread, one at a time.
#pragma once

#include <filesystem>
#include <string_view>

#include "node/config/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class StateDir {
 public:
  // Creates `<state_dir>/nodes/<name>`, for the owner alone, and locks it. The Error says in one line who uses it, or
  // what is not permitted.
  [[nodiscard]] static protocol::Result<StateDir> open(const Config& config, std::string_view name);

  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&&) = delete;
  ~StateDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Looks whether the lock file is still the one that this object holds: if it or the directory was removed or renamed,
  // another process of this node could start. Then makes them anew, and returns true. An Error if another process has
  // the lock by now, or if they cannot be made. May wait for the disk.
  [[nodiscard]] protocol::Result<bool> restore();

 private:
  StateDir(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_ = -1;  // -1: moved from
};

}  // namespace herd::node

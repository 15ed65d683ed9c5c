// A listening unix socket and its file. If the file is removed or replaced, it is created again, so that a cleaned or
// restored directory does not cut a running node off from the operator's tools.
//
// A separate thread checks the file every kLookPeriod. Only that thread accesses the file system, because a network
// file system may hang, and the loop must not block. It creates the new socket; the loop thread then calls take(), owns
// the descriptor, and closes the previous one.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "node/base/detachable_thread.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class SocketFile {
 public:
  static constexpr std::chrono::milliseconds kLookPeriod{1'000};

  // Creates `directory`/`name` with mode 0600, and replaces an existing file. The caller must have the lock of the
  // directory.
  [[nodiscard]] static protocol::Result<std::unique_ptr<SocketFile>> open(const std::filesystem::path& directory,
                                                                          const std::string& name);

  // Removes the file if it is still the one that this object created. Waits at most 1 s for the thread.
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // Readable if take() returns a descriptor.
  [[nodiscard]] int descriptor() const;

  // Returns the listening descriptor that was created last, and gives the caller its ownership: once after open(), and
  // once after each time the file was created again. -1: there is no new one.
  [[nodiscard]] int take();

 private:
  class Watcher;
  explicit SocketFile(std::shared_ptr<Watcher> watcher);

  std::shared_ptr<Watcher> watcher_;
  DetachableThread thread_;
};

}  // namespace herd::node

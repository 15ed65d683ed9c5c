// A listening unix socket, and its file, which is put back where it was removed or replaced: an operator who tidies up,
// or a restored directory, does not cut a running node off from its tools.
//
// A thread of its own compares the file with the one that was made, once every kLookPeriod. Only that thread touches
// the file system, because a network file system may hang, and the loop must not. What it has made it hands over: the
// loop's thread takes the descriptor, owns it from then on, and closes the one from before.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "node/base/loose_thread.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class SocketFile {
 public:
  static constexpr std::chrono::milliseconds kLookPeriod{1'000};

  // Makes `directory`/`name`, for its owner alone; what is there makes room. The directory must be this node's, locked.
  [[nodiscard]] static protocol::Result<std::unique_ptr<SocketFile>> open(const std::filesystem::path& directory,
                                                                          const std::string& name);

  // Removes the file, if it is still the one that was made here.
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // Readable when take() has something.
  [[nodiscard]] int descriptor() const;

  // The listening descriptor that was made last, for the caller to own: once after open(), and again each time the file
  // had to be made again. -1: nothing new.
  [[nodiscard]] int take();

 private:
  class Watcher;
  explicit SocketFile(std::shared_ptr<Watcher> watcher);

  std::shared_ptr<Watcher> watcher_;
  LooseThread thread_;
};

}  // namespace herd::node

// Where the bytes of one log go: standard error, or a file. Owns a descriptor. Used by one thread, which may have to
// wait in write() when a disk hangs; on a pipe, a terminal and a socket write() does not wait.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

class LogTarget {
 public:
  // Standard error as it is now: a later change of descriptor 2 does not matter.
  [[nodiscard]] static protocol::Result<LogTarget> standard_error();

  // Opens the file for appending and makes it if it is missing, but not its directory. A pipe without a reader is an
  // Error instead of a wait.
  [[nodiscard]] static protocol::Result<LogTarget> file(const std::filesystem::path& path);

  LogTarget(LogTarget&& other) noexcept;
  LogTarget& operator=(LogTarget&& other) noexcept;
  ~LogTarget();

  // What one write() did: bytes written, or an errno, or neither, if there is no room at present.
  struct Written {
    std::size_t bytes = 0;
    int error = 0;
  };
  // Writes some of `text`, which is not empty: at most most_bytes(), except to a file.
  [[nodiscard]] Written write(std::string_view text);

  // How much to write at once. Other processes may write to the same pipe or file, and so much is never mixed with
  // theirs.
  [[nodiscard]] std::size_t most_bytes() const { return most_bytes_; }

  // Writes all of it, unless there is an error or no room for longer than `patience`.
  void write_all(std::string_view text, std::chrono::milliseconds patience);

  // Returns when there is room, when `wake` is readable (-1: nothing wakes it), or after `patience`.
  void wait_for_room(int wake, std::chrono::milliseconds patience) const;

  // If the file was moved or removed since it was opened, a file is opened at its path again. Where that is not
  // possible, the old one stays in use. Does nothing for standard error.
  void follow_path();

 private:
  LogTarget(int descriptor, std::filesystem::path path);

  int descriptor_ = -1;         // -1: moved from
  std::filesystem::path path_;  // empty: standard error
  bool is_socket_ = false;
  bool is_file_ = false;
  std::size_t most_bytes_ = 0;
};

}  // namespace herd::node

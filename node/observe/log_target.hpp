// The destination of one log: standard error or a file. Owns a descriptor. Used by one thread at a time. write() may
// block that thread when a disk hangs; on a pipe, a terminal or a socket it does not block.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

class LogTarget {
 public:
  // Duplicates descriptor 2, so a later change of it has no effect. Returns an error if standard error is closed or no
  // descriptor is free.
  [[nodiscard]] static protocol::Result<LogTarget> standard_error();

  // Opens the file for appending, and creates it if it is missing. Returns an error if its directory does not exist, if
  // it cannot be opened, and for a named pipe without a reader. Does not block.
  [[nodiscard]] static protocol::Result<LogTarget> file(const std::filesystem::path& path);

  LogTarget(LogTarget&& other) noexcept;
  LogTarget& operator=(LogTarget&& other) noexcept;
  ~LogTarget();

  // The result of one write(). If both are 0, the destination accepts no bytes at present.
  struct Written {
    std::size_t bytes = 0;
    int error = 0;  // an errno
  };
  // Writes a part of `text`, which must not be empty: at most most_bytes(), or up to all of it to a file.
  [[nodiscard]] Written write(std::string_view text);

  // The most bytes to write at once. Other processes may write to the same pipe or file; up to this size, their bytes
  // are not mixed into a write.
  [[nodiscard]] std::size_t most_bytes() const { return most_bytes_; }

  // Writes all of `text`. Gives up at an error, or when the destination accepts nothing until `patience` is over.
  void write_all(std::string_view text, std::chrono::milliseconds patience);

  // Returns when the destination is writable, when `wake` is readable (-1: none), or after `patience`.
  void wait_until_writable(int wake, std::chrono::milliseconds patience) const;

  // Opens the path again if the file there is no longer the open one (it was moved or removed, as by logrotate). If
  // that fails, the old file stays in use. Does nothing for standard error.
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

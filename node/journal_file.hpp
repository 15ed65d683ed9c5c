// The system calls of the journal. Used by one thread at a time: the loop's until the first job, then the writer's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

class JournalFile {
 public:
  // Opens or creates `<directory>/journal`, and removes a copy that was never finished.
  [[nodiscard]] static protocol::Result<std::unique_ptr<JournalFile>> open(const std::filesystem::path& directory);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  // The whole content, mapped; good until cut() or append().
  [[nodiscard]] protocol::Result<std::string_view> map();

  // Keeps the first `bytes` and goes on behind them.
  [[nodiscard]] int cut(std::uint64_t bytes);

  // The following return 0 or errno. A failed append leaves the file as it was.
  [[nodiscard]] int append(std::string_view bytes);
  [[nodiscard]] int sync();
  [[nodiscard]] int begin_copy();
  [[nodiscard]] int append_to_copy(std::string_view bytes);
  // Syncs the copy and gives it the journal's name. `committed` is set once that name may stand for it.
  [[nodiscard]] int replace_by_copy(bool& committed);
  void drop_copy();

  [[nodiscard]] std::filesystem::path path() const;
  [[nodiscard]] std::uint64_t bytes() const { return end_; }
  [[nodiscard]] std::uint64_t copy_bytes() const { return copy_end_; }

 private:
  JournalFile(std::filesystem::path directory, int file, int folder);
  void unmap();

  std::filesystem::path directory_;
  int file_ = -1;
  int folder_ = -1;  // the directory itself, for syncing names
  int copy_ = -1;
  std::uint64_t end_ = 0;
  std::uint64_t copy_end_ = 0;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace herd::node

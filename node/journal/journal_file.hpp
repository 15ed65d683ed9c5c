// The system calls of the journal. Used by one thread at a time: the loop's until the first job, then the writer's.
//
// A reply may leave only for what the next start would read. So this class also finds out whether the file that it
// writes still has the journal's name, and whether another program has changed it. Its files are opened with O_APPEND:
// after a truncation by another program an append leaves no hole, and look() sees the wrong length.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

struct stat;

namespace herd::node {

class JournalFile {
 public:
  enum class State : std::uint8_t {
    Sound,     // the file with the journal's name is the one that was written here, as it was written
    Missing,   // no file has the name: the file or its directory was removed or renamed
    Replaced,  // another file has the name
    Shorter,   // than what was written here
    Longer,    // than what was written here
    Changed,   // as long as it should be, but modified since the last append
    Unknown,   // the system does not say
  };
  struct Look {
    State state = State::Sound;
    int error = 0;  // errno, for Unknown
  };
  struct Replacement {
    std::string trouble;     // empty: done
    bool committed = false;  // the copy has the journal's name; with trouble: it is unknown whether it keeps it
    std::string set_aside;   // the name under which a file that was not as written here is kept; empty: there was none
  };

  // Opens or creates `<directory>/journal`, and removes a copy that was never finished. If there is a copy and no
  // journal, the copy is kept as `journal.unfinished`.
  [[nodiscard]] static protocol::Result<std::unique_ptr<JournalFile>> open(const std::filesystem::path& directory);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  // The name under which open() has kept a copy that had no journal beside it; empty if there was none.
  [[nodiscard]] const std::string& unfinished() const { return unfinished_; }

  // The whole content, mapped; good until cut() or append().
  [[nodiscard]] protocol::Result<std::string_view> map();

  // Writes what map() has from `bytes` on to a file of its own, `journal.cut`, before it is cut off: it may be the
  // damaged end of a journal, and the only copy. Returns the file's name.
  [[nodiscard]] protocol::Result<std::string> keep_tail(std::uint64_t bytes) const;

  // Keeps the first `bytes`: the next append follows them. 0 or errno.
  [[nodiscard]] int cut(std::uint64_t bytes);

  // Whether the open file is as it was written here, whatever its name: one fstat, 0.5 us. `by_time`: see look().
  [[nodiscard]] Look look_at_content(bool by_time);
  // The same of what has the journal's name, and whether that is the open file: one stat of the whole path, 2 us.
  // `by_time`: also by the time of its last modification, which some file systems of networks change by themselves. The
  // first look after an append notes that time.
  [[nodiscard]] Look look(bool by_time);
  // 0, or errno if the file system does not take writes. Changes nothing, not even a time.
  [[nodiscard]] int probe() const;

  // The following return 0 or errno. A failed append leaves the file as it was.
  [[nodiscard]] int append(std::string_view bytes);
  // Takes the last `bytes` back, which were appended a moment ago.
  [[nodiscard]] int undo_append(std::uint64_t bytes);
  [[nodiscard]] int sync();
  // A copy is begun in what has the directory's name now: it may have been made anew.
  [[nodiscard]] int begin_compaction();
  [[nodiscard]] int append_to_new_file(std::string_view bytes);

  // Syncs the copy and gives it the journal's name. A file that has the name now, is not empty, and is not as it was
  // written here, is kept under another name: `journal.replaced`, see node/base/set_aside.hpp. `by_time`: see look().
  [[nodiscard]] Replacement replace_by_new_file(bool by_time);
  void drop_new_file();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return end_; }
  [[nodiscard]] std::uint64_t copy_bytes() const { return new_file_end_; }

 private:
  JournalFile(std::filesystem::path directory, int file, int folder);
  void unmap();
  [[nodiscard]] bool note_identity();
  [[nodiscard]] Look judge(const struct stat& status, bool by_time);
  [[nodiscard]] bool new_file_has_its_name() const;
  [[nodiscard]] protocol::Result<std::string> keep_foreign(bool by_time);
  void forget_link(const std::string& name);
  [[nodiscard]] std::string seal_compaction();

  std::filesystem::path directory_;
  std::filesystem::path path_;
  int file_ = -1;
  int folder_ = -1;  // the directory itself, for names in it and for syncing them
  int copy_ = -1;
  std::uint64_t end_ = 0;
  std::uint64_t new_file_end_ = 0;
  dev_t device_ = 0;  // with inode_: which file it is
  ino_t inode_ = 0;
  std::optional<timespec> modified_;  // the file's time after the last append; none until a look has noted it
  std::string unfinished_;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

// For the log and /healthz: "its file was removed or renamed".
[[nodiscard]] std::string_view describe(JournalFile::State state);

}  // namespace herd::node

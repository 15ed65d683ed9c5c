// The system calls of the journal. Owned by the disk (node/journal/file_disk.hpp). Used by one thread at a time: by
// the writer's while it has a job, else by the loop's. Calls may wait for the disk. Owns its descriptors.
//
// A reply may leave only for records that the next start would read. So this class also checks that the file it writes
// still has the journal's name, and that no other program has changed it. Its files are opened with O_APPEND: if
// another program truncates the journal, the next append leaves no hole, and look() finds the wrong length.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bus/loop/disk.hpp"
#include "protocol/result.hpp"

struct stat;

namespace herd::node {

class JournalFile {
 public:
  using State = bus::FileState;
  struct Look {
    State state = State::Sound;
    int error = 0;  // errno, for Unknown
  };
  struct Replacement {
    std::string trouble;     // why it failed; empty: success
    bool committed = false;  // the new file has the journal's name; if trouble is set, a crash may undo the renaming
    std::string set_aside;   // a foreign or changed file had the journal's name and has this name now; empty: none
  };

  // Opens or creates `<directory>/journal`, and removes the file of an unfinished compaction, `journal.next`. If there
  // is such a file and no journal, the file is renamed to `journal.unfinished` instead.
  [[nodiscard]] static protocol::Result<std::unique_ptr<JournalFile>> open(const std::filesystem::path& directory);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  // The name to which open() has renamed the file of an unfinished compaction; empty if it has renamed none.
  [[nodiscard]] const std::string& unfinished() const { return unfinished_; }

  // The whole content, mapped into memory; valid until the next map() or cut(), or the end of this object.
  [[nodiscard]] protocol::Result<std::string_view> map();

  // Writes the mapped content from offset `bytes` to its end into a new file `journal.cut`. Call it after map(), and
  // before cut() removes these bytes: they may be the damaged end of the only journal. Returns the file's name.
  [[nodiscard]] protocol::Result<std::string> save_tail(std::uint64_t bytes) const;

  // Truncates the file to its first `bytes` bytes, and syncs it. The next append follows them. Returns 0 or errno.
  [[nodiscard]] int cut(std::uint64_t bytes);

  // Whether the open file is as this object wrote it, whatever its name: one fstat, 0.5 us. `by_time`: see look().
  [[nodiscard]] Look look_at_content(bool by_time);
  // Whether the file with the journal's name is the open file, and is as this object wrote it: one stat of the whole
  // path, 2 us. `by_time`: a new modification time counts as a change, too; some network file systems change it by
  // themselves. The first look after an append stores that time.
  [[nodiscard]] Look look(bool by_time);
  // Returns 0, or errno if the file system is not writable. Changes nothing, not even the modification time.
  [[nodiscard]] int probe() const;

  // The following functions return 0 or errno. A failed append truncates the file to its length before it. If that
  // fails too, the next look() finds the wrong length.
  [[nodiscard]] int append(std::string_view bytes);
  // Removes the last append, of `bytes` bytes, from the end of the file.
  [[nodiscard]] int undo_append(std::uint64_t bytes);
  [[nodiscard]] int sync();
  // Creates `journal.next`. Opens the directory again first, because another directory may have its path now.
  [[nodiscard]] int begin_compaction();
  [[nodiscard]] int append_to_new_file(std::string_view bytes);

  // Syncs the new file and gives it the journal's name. If the file that has the name now is not empty and not as this
  // object wrote it, it is renamed to `journal.replaced` first (node/base/set_aside.hpp). `by_time`: see look().
  [[nodiscard]] Replacement replace_by_new_file(bool by_time);
  // Closes and removes the new file, if there is one.
  void drop_new_file();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return end_; }
  [[nodiscard]] std::uint64_t new_file_bytes() const { return new_file_end_; }

 private:
  JournalFile(std::filesystem::path directory, int file, int folder);
  void unmap();
  [[nodiscard]] bool note_identity();
  [[nodiscard]] Look judge(const struct stat& status, bool by_time);
  [[nodiscard]] bool new_file_has_its_name() const;
  [[nodiscard]] protocol::Result<std::string> set_aside_foreign(bool by_time);
  void forget_link(const std::string& name);
  [[nodiscard]] std::string seal_compaction();

  std::filesystem::path directory_;
  std::filesystem::path path_;
  int file_ = -1;
  int folder_ = -1;    // the directory: names are resolved in it, and it is synced after a rename
  int new_file_ = -1;  // `journal.next`, while a compaction writes it
  std::uint64_t end_ = 0;
  std::uint64_t new_file_end_ = 0;
  dev_t device_ = 0;  // with inode_: the identity of the open file
  ino_t inode_ = 0;
  std::optional<timespec> modified_;  // the modification time after the last append; nullopt until a look stores it
  std::string unfinished_;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace herd::node

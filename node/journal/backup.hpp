// Makes, restores and checks backups of a node's journal. A separate process does it (`herd-node --backup`,
// `--restore`, `--check-journal`), never the node, so it takes no time of the node's loop. A backup is a compact copy
// of the journal (bus/journal/journal_copy.hpp). One thread; every function waits for the disk.
//
// A running node only appends to its journal, or replaces it by a compacted one. So the content of the file at any
// moment is the same as after a crash at that moment: it has all updates that were acknowledged by then at
// `ack = "write"` or "fsync". There is one exception: a node takes an append back that failed on a full disk. A reader
// may then get a mixture of both states. The checksums show that, and the journal is read again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// How often a journal is read, at most, until it can be recovered. It may have changed during the first reads.
inline constexpr int kBackupTries = 3;

// The content of a backup or a journal.
struct BackupFigures {
  std::string node;                           // the node of the journal; empty: the file is a journal, not a backup
  std::optional<protocol::Nanoseconds> made;  // wall clock when the backup was made, since 1970; nullopt: a journal
  std::uint64_t clients = 0;                  // number of records
  std::uint64_t digest = 0;                   // of the store, as in /status.json
  std::uint64_t bytes = 0;                    // the size of the file that was written or checked
  std::string set_aside{};  // restore_backup() only: the new path of the node's former journal; empty: it had none
};

struct BackupOrder {
  std::filesystem::path journal;  // of the node, which may run
  std::filesystem::path file;     // the backup to write, which must not exist
  std::string node;               // the node's name
  protocol::Nanoseconds now{};    // the wall clock, since 1970
};

// Writes a backup and syncs it, with mode 0600. The file gets its name only when it is complete. Until then it is
// `<file>.part`, which a killed process leaves and the next backup of that name replaces. A second process that writes
// the same backup at the same time gets an Error. For a moment the directory also has a copy of the journal.
//
// Returns an Error, and leaves no file, if the file exists already, the journal is missing or damaged, or the disk is
// full. If only the last step fails, the sync of the directory, the complete file stays.
[[nodiscard]] protocol::Result<BackupFigures> make_backup(const BackupOrder& order);

struct RestoreOrder {
  std::filesystem::path file;       // a backup, of any node, or a journal that was copied
  std::filesystem::path directory;  // the node's state directory, which the caller has locked
  std::string node;                 // the node's name
  bool force = false;               // true: set a journal of the node aside as `journal.before-restore`
  protocol::Nanoseconds now{};      // the wall clock, since 1970; the time of the copy if `file` is a journal
};

// Replaces the journal of a node that does not run. First it reads the whole file, and checks that the disk has space.
// Then it writes `journal.restoring`, gives the former journal its second name (`journal.before-restore`, with a number
// if that is in use), and renames the new file to `journal`. Before this rename, the node's journal is the former one;
// only on a file system without hard links there is none for a moment. The node takes a new feed id at its next start.
//
// Returns an Error if the node has a journal and `force` is false, if the file is damaged or of a newer release, if a
// backup is incomplete, or if the new journal cannot be written. A journal with a torn tail is restored without it.
[[nodiscard]] protocol::Result<BackupFigures> restore_backup(const RestoreOrder& order);

// Reads the whole file and returns its figures. Returns an Error if a node could not start with it, or if its end would
// be cut off (a torn tail, or bytes after a backup).
[[nodiscard]] protocol::Result<BackupFigures> check_backup(const std::filesystem::path& file);

}  // namespace herd::node

// Backups of a node's journal, made and restored by processes of their own (`herd-node --backup`, `--restore`), never
// by the node: so they cost its loop nothing. A backup is a copy of the journal (bus/journal/journal_copy.hpp). One
// thread; every function waits for the disk.
//
// A running node only appends to its journal, or replaces it by a compacted one. So the bytes that the file has at one
// moment are what a crash at that moment would leave: all updates that were acknowledged by then at `ack = "write"` or
// "fsync". The one exception is an append that failed on a full disk and is taken back: then the bytes may be a
// mixture, which the checksums show, and they are read again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// How often a journal that changes during the copy is read again.
inline constexpr int kBackupTries = 3;

// What a backup or a journal contains.
struct BackupFigures {
  std::string node;                           // empty: the file is a journal, which does not name its node
  std::optional<protocol::Nanoseconds> made;  // the wall clock of a backup
  std::uint64_t clients = 0;
  std::uint64_t digest = 0;  // as in /status.json
  std::uint64_t bytes = 0;   // of the file
  std::string set_aside{};   // of restore_backup(): the path of the journal that the node had; empty: it had none
};

struct BackupOrder {
  std::filesystem::path journal;  // of a node, which may run
  std::filesystem::path file;     // the backup
  std::string node;               // its name
  protocol::Nanoseconds now{};    // the wall clock
};

// Writes a backup and syncs it. The file appears under its name only when it is complete; until then it is
// `<file>.part`, which an interrupted backup leaves and the next one replaces. An Error, and no file, if the file
// exists already, the journal is missing or damaged, or the disk is full.
[[nodiscard]] protocol::Result<BackupFigures> make_backup(const BackupOrder& order);

struct RestoreOrder {
  std::filesystem::path file;       // a backup, or a copied journal
  std::filesystem::path directory;  // the node's state directory, which the caller has locked
  std::string node;                 // the node's name
  bool force = false;               // set the journal that the node has aside as `journal.before-restore`
  protocol::Nanoseconds now{};      // the wall clock
};

// Replaces the journal of a node that does not run. First it checks that the whole file can be read, and that the disk
// has space. The journal changes in one step (a rename); before that, nothing has changed. The node takes a new feed id
// at its next start. An Error if the file is damaged or incomplete, if the node has a journal and `force` is false, or
// if the new one cannot be written.
[[nodiscard]] protocol::Result<BackupFigures> restore_backup(const RestoreOrder& order);

// Reads the whole file. An Error if a node could not start with it, or if something would be cut off.
[[nodiscard]] protocol::Result<BackupFigures> check_backup(const std::filesystem::path& file);

}  // namespace herd::node

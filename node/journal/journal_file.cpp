#include "node/journal/journal_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "node/base/set_aside.hpp"
#include "protocol/assert.hpp"

namespace herd::node {

using protocol::fail;
using protocol::Result;

namespace {

constexpr const char* kName = "journal";
constexpr const char* kNewFileName = "journal.next";
constexpr const char* kReplacedName = "journal.replaced";
constexpr const char* kUnfinishedName = "journal.unfinished";
constexpr const char* kCutName = "journal.cut";
// Whoever appends, it goes to the end: see the header.
constexpr int kFlags = O_RDWR | O_APPEND | O_CLOEXEC;

std::string because(const std::filesystem::path& path) {
  return "journal " + path.string() + ": " + std::strerror(errno);
}

// All of it, or errno.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0 ? ENOSPC : errno;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// The name leads nowhere; ESTALE is how NFS says it.
bool means_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ESTALE;
}

bool has_name(int folder, const char* name) {
  struct stat status {};
  return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// The descriptor, or -1 with errno. A new file's name is on the disk before anything in it counts.
int open_or_create(int folder) {
  const int found = openat(folder, kName, kFlags);
  if (found >= 0 || errno != ENOENT) return found;
  const int created = openat(folder, kName, kFlags | O_CREAT, 0600);
  if (created < 0 || fsync(folder) == 0) return created;
  const int reason = errno;
  close(created);
  errno = reason;
  return -1;
}

}  // namespace

std::string_view describe(JournalFile::State state) {
  switch (state) {
    case JournalFile::State::Sound:
      return "its file is sound";
    case JournalFile::State::Missing:
      return "its file was removed or renamed";
    case JournalFile::State::Replaced:
      return "another file has its name";
    case JournalFile::State::Shorter:
      return "its file was truncated";
    case JournalFile::State::Longer:
      return "its file is longer than what this node wrote";
    case JournalFile::State::Changed:
      return "another program has changed its file";
    case JournalFile::State::Unknown:
      return "its file cannot be looked at";
  }
  HERD_ASSERT(false);
}

JournalFile::JournalFile(std::filesystem::path directory, int file, int folder)
    : directory_(std::move(directory)), path_(directory_ / kName), file_(file), folder_(folder) {}

JournalFile::~JournalFile() {
  unmap();
  for (const int descriptor : {file_, folder_, copy_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

Result<std::unique_ptr<JournalFile>> JournalFile::open(const std::filesystem::path& directory) {
  const auto path = directory / kName;
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail(because(directory));
  std::unique_ptr<JournalFile> opened(new JournalFile(directory, -1, folder));  // from here on it closes them
  if (!has_name(folder, kName) && has_name(folder, kNewFileName)) {
    const auto kept = rename_aside({folder, kNewFileName, kUnfinishedName});
    if (!kept) return fail("journal " + path.string() + ": " + kept.error().message);
    opened->unfinished_ = *kept;
  }
  opened->file_ = open_or_create(folder);
  if (opened->file_ < 0) return fail(because(path));
  unlinkat(folder, kNewFileName, 0);  // of a copy that a crash cut off
  struct stat status {};
  if (fstat(opened->file_, &status) != 0 || !opened->note_identity()) return fail(because(path));
  opened->end_ = static_cast<std::uint64_t>(status.st_size);
  return opened;
}

Result<std::string_view> JournalFile::map() {
  unmap();
  if (end_ == 0) return std::string_view();
  void* mapped = mmap(nullptr, end_, PROT_READ, MAP_PRIVATE, file_, 0);
  if (mapped == MAP_FAILED) return fail(because(path()));
  mapped_ = mapped;
  mapped_bytes_ = end_;
  madvise(mapped_, mapped_bytes_, MADV_SEQUENTIAL);
  return std::string_view(static_cast<const char*>(mapped_), mapped_bytes_);
}

void JournalFile::unmap() {
  if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
  mapped_ = nullptr;
}

Result<std::string> JournalFile::keep_tail(std::uint64_t bytes) const {
  HERD_ASSERT(mapped_ != nullptr && bytes < mapped_bytes_);
  const std::string_view text(static_cast<const char*>(mapped_), mapped_bytes_);
  return write_aside({folder_, "its cut end", kCutName}, text.substr(bytes));
}

int JournalFile::cut(std::uint64_t bytes) {
  unmap();
  if (ftruncate(file_, static_cast<off_t>(bytes)) != 0) return errno;
  end_ = bytes;
  modified_.reset();
  return sync();
}

// ---- is it still the journal?
// ----------------------------------------------------------------------------------------

// Which file it is, and when it was last modified. False, with errno, where the system does not say.
bool JournalFile::note_identity() {
  struct stat own {};
  if (fstat(file_, &own) != 0) return false;
  device_ = own.st_dev;
  inode_ = own.st_ino;
  modified_ = own.st_mtim;
  return true;
}

JournalFile::Look JournalFile::judge(const struct stat& status, bool by_time) {
  if (status.st_dev != device_ || status.st_ino != inode_) return {State::Replaced};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < end_) return {State::Shorter};
  if (size > end_) return {State::Longer};
  if (!modified_) modified_ = status.st_mtim;
  const bool same_time = status.st_mtim.tv_sec == modified_->tv_sec && status.st_mtim.tv_nsec == modified_->tv_nsec;
  return {by_time && !same_time ? State::Changed : State::Sound};
}

JournalFile::Look JournalFile::look_at_content(bool by_time) {
  struct stat own {};
  if (fstat(file_, &own) != 0) return {means_missing(errno) ? State::Missing : State::Unknown, errno};
  return judge(own, by_time);
}

JournalFile::Look JournalFile::look(bool by_time) {
  struct stat named {};
  if (stat(path_.c_str(), &named) != 0) return {means_missing(errno) ? State::Missing : State::Unknown, errno};
  return judge(named, by_time);
}

// A file system that an error has made read-only may say so in answer to a write alone, and an empty write is one.
int JournalFile::probe() const {
  if (faccessat(AT_FDCWD, directory_.c_str(), W_OK, AT_EACCESS) != 0 && errno == EROFS) return errno;
  return write(file_, "", 0) < 0 ? errno : 0;
}

// ---- writing
// -----------------------------------------------------------------------------------------------------------

int JournalFile::append(std::string_view bytes) {
  const int error = write_all(file_, bytes);
  modified_.reset();
  if (error == 0) {
    end_ += bytes.size();
  } else if (ftruncate(file_, static_cast<off_t>(end_)) != 0) {
    return errno;  // what was written of it is found by the next look()
  }
  return error;
}

int JournalFile::undo_append(std::uint64_t bytes) {
  end_ -= bytes;
  modified_.reset();
  return ftruncate(file_, static_cast<off_t>(end_)) == 0 ? 0 : errno;
}

int JournalFile::sync() {
  return fdatasync(file_) == 0 ? 0 : errno;
}

int JournalFile::begin_compaction() {
  drop_new_file();
  const int folder = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  close(std::exchange(folder_, folder));
  unlinkat(folder_, kNewFileName, 0);
  copy_ = openat(folder_, kNewFileName, kFlags | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  return copy_ >= 0 ? 0 : errno;
}

int JournalFile::append_to_new_file(std::string_view bytes) {
  const int error = write_all(copy_, bytes);
  if (error == 0) new_file_end_ += bytes.size();
  return error;
}

bool JournalFile::new_file_has_its_name() const {
  struct stat own {};
  struct stat named {};
  return fstat(copy_, &own) == 0 && stat((directory_ / kNewFileName).c_str(), &named) == 0 && same_file(own, named) &&
         static_cast<std::uint64_t>(own.st_size) == new_file_end_;
}

// Returns the name that it has now besides or instead of the journal's; empty if there was nothing to keep.
Result<std::string> JournalFile::keep_foreign(bool by_time) {
  struct stat named {};
  if (fstatat(folder_, kName, &named, AT_SYMLINK_NOFOLLOW) != 0) return std::string();  // none: nothing to keep
  const bool is_empty = S_ISREG(named.st_mode) && named.st_size == 0;
  if (is_empty || look(by_time).state == State::Sound) return std::string();
  return link_aside({folder_, kName, kReplacedName});
}

// The file has the journal's name still, so that the other name is of no use.
void JournalFile::forget_link(const std::string& name) {
  struct stat named {};
  struct stat linked {};
  if (fstatat(folder_, kName, &named, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (fstatat(folder_, name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (same_file(named, linked)) unlinkat(folder_, name.c_str(), 0);
}

// Returns what is in the way; empty: the copy is on the disk, and may take the journal's name.
std::string JournalFile::seal_compaction() {
  if (fdatasync(copy_) != 0) return std::strerror(errno);
  if (!new_file_has_its_name()) return fmt::format("{} was changed or removed while it was written", kNewFileName);
  return {};
}

JournalFile::Replacement JournalFile::replace_by_new_file(bool by_time) {
  Replacement done;
  done.trouble = seal_compaction();
  if (!done.trouble.empty()) return done;
  auto kept = keep_foreign(by_time);
  if (!kept) {
    done.trouble = kept.error().message;
    return done;
  }
  if (renameat(folder_, kNewFileName, folder_, kName) != 0) {
    done.trouble = std::strerror(errno);
    if (!kept->empty()) forget_link(*kept);
    return done;
  }
  done.committed = true;
  done.set_aside = std::move(*kept);
  close(std::exchange(file_, std::exchange(copy_, -1)));
  end_ = std::exchange(new_file_end_, 0);
  if (!note_identity() || fsync(folder_) != 0) done.trouble = std::strerror(errno);
  return done;
}

void JournalFile::drop_new_file() {
  if (copy_ < 0) return;
  close(std::exchange(copy_, -1));
  new_file_end_ = 0;
  unlinkat(folder_, kNewFileName, 0);
}

}  // namespace herd::node

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
#include "node/journal/write_all.hpp"
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
// O_APPEND: see the header.
constexpr int kFlags = O_RDWR | O_APPEND | O_CLOEXEC;

std::string because(const std::filesystem::path& path) {
  return "journal " + path.string() + ": " + std::strerror(errno);
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Whether the error means that no file has the name. NFS reports ESTALE.
bool means_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ESTALE;
}

bool has_name(int folder, const char* name) {
  struct stat status {};
  return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// Returns the descriptor, or -1 with errno. The name of a new file is synced before the file is used.
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

JournalFile::JournalFile(std::filesystem::path directory, int file, int folder)
    : directory_(std::move(directory)), path_(directory_ / kName), file_(file), folder_(folder) {}

JournalFile::~JournalFile() {
  unmap();
  for (const int descriptor : {file_, folder_, new_file_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

Result<std::unique_ptr<JournalFile>> JournalFile::open(const std::filesystem::path& directory) {
  const auto path = directory / kName;
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail(because(directory));
  std::unique_ptr<JournalFile> opened(new JournalFile(directory, -1, folder));  // owns the descriptors from now on
  if (!has_name(folder, kName) && has_name(folder, kNewFileName)) {
    const auto name = rename_aside({folder, kNewFileName, kUnfinishedName});
    if (!name) return fail("journal " + path.string() + ": " + name.error().message);
    opened->unfinished_ = *name;
  }
  opened->file_ = open_or_create(folder);
  if (opened->file_ < 0) return fail(because(path));
  unlinkat(folder, kNewFileName, 0);  // left by a compaction that a crash interrupted
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

Result<std::string> JournalFile::save_tail(std::uint64_t bytes) const {
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

// ---- checks of the file
// ----------------------------------------------------------------------------------------------

// Stores the identity and the modification time of the open file. False, with errno, if fstat fails.
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

// A file system that became read-only after an error may report that only for a write; an empty write is enough.
int JournalFile::probe() const {
  if (faccessat(AT_FDCWD, directory_.c_str(), W_OK, AT_EACCESS) != 0 && errno == EROFS) return errno;
  return write(file_, "", 0) < 0 ? errno : 0;
}

// ---- writing
// ---------------------------------------------------------------------------------------------------------

int JournalFile::append(std::string_view bytes) {
  const int error = write_all(file_, bytes);
  modified_.reset();
  if (error == 0) {
    end_ += bytes.size();
  } else if (ftruncate(file_, static_cast<off_t>(end_)) != 0) {
    return errno;  // a partial write stays in the file; the next look() finds it
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
  new_file_ = openat(folder_, kNewFileName, kFlags | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  return new_file_ >= 0 ? 0 : errno;
}

int JournalFile::append_to_new_file(std::string_view bytes) {
  const int error = write_all(new_file_, bytes);
  if (error == 0) new_file_end_ += bytes.size();
  return error;
}

bool JournalFile::new_file_has_its_name() const {
  struct stat own {};
  struct stat named {};
  return fstat(new_file_, &own) == 0 && stat((directory_ / kNewFileName).c_str(), &named) == 0 &&
         same_file(own, named) && static_cast<std::uint64_t>(own.st_size) == new_file_end_;
}

// Gives a foreign or changed file with the journal's name a second name, or a new one. Returns that name; empty if
// there is no such file.
Result<std::string> JournalFile::set_aside_foreign(bool by_time) {
  struct stat named {};
  if (fstatat(folder_, kName, &named, AT_SYMLINK_NOFOLLOW) != 0) return std::string();  // no such file
  const bool is_empty = S_ISREG(named.st_mode) && named.st_size == 0;
  if (is_empty || look(by_time).state == State::Sound) return std::string();
  return link_aside({folder_, kName, kReplacedName});
}

// Removes the second name of a file that still has the journal's name.
void JournalFile::forget_link(const std::string& name) {
  struct stat named {};
  struct stat linked {};
  if (fstatat(folder_, kName, &named, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (fstatat(folder_, name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (same_file(named, linked)) unlinkat(folder_, name.c_str(), 0);
}

// Syncs the new file. Returns why it may not take the journal's name; empty if it may.
std::string JournalFile::seal_compaction() {
  if (fdatasync(new_file_) != 0) return std::strerror(errno);
  if (!new_file_has_its_name()) return fmt::format("{} was changed or removed while it was written", kNewFileName);
  return {};
}

JournalFile::Replacement JournalFile::replace_by_new_file(bool by_time) {
  Replacement done;
  done.trouble = seal_compaction();
  if (!done.trouble.empty()) return done;
  auto foreign = set_aside_foreign(by_time);
  if (!foreign) {
    done.trouble = foreign.error().message;
    return done;
  }
  if (renameat(folder_, kNewFileName, folder_, kName) != 0) {
    done.trouble = std::strerror(errno);
    if (!foreign->empty()) forget_link(*foreign);
    return done;
  }
  done.committed = true;
  done.set_aside = std::move(*foreign);
  close(std::exchange(file_, std::exchange(new_file_, -1)));
  end_ = std::exchange(new_file_end_, 0);
  if (!note_identity() || fsync(folder_) != 0) done.trouble = std::strerror(errno);
  return done;
}

void JournalFile::drop_new_file() {
  if (new_file_ < 0) return;
  close(std::exchange(new_file_, -1));
  new_file_end_ = 0;
  unlinkat(folder_, kNewFileName, 0);
}

}  // namespace herd::node

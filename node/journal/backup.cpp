#include "node/journal/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/journal/journal_copy.hpp"
#include "bus/journal/recovery.hpp"
#include "node/base/random_id.hpp"
#include "node/base/set_aside.hpp"
#include "node/journal/write_all.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;
namespace fs = std::filesystem;

constexpr std::size_t kCopiedAtOnce = std::size_t{1} << 20;  // bytes
constexpr const char* kJournal = "journal";
constexpr const char* kRestoring = "journal.restoring";
constexpr const char* kBeforeRestore = "journal.before-restore";

// An open descriptor.
class Opened {
 public:
  explicit Opened(int descriptor) : descriptor_(descriptor) {}
  Opened(Opened&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Opened& operator=(Opened&&) = delete;
  ~Opened() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string because(const fs::path& path) {
  return path.string() + ": " + std::strerror(errno);
}

// Why a NewFile could not be created.
std::string not_created(const fs::path& path) {
  if (errno != EBUSY) return because(path);
  return path.string() + ": another backup or restore writes it: wait until that has ended";
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

Result<Opened> open_folder(const fs::path& path) {
  Opened folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return fail(because(path));
  return folder;
}

// Does not wait for the other end of a FIFO.
Result<Opened> open_regular(const fs::path& path) {
  Opened file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return fail(because(path));
  if (!S_ISREG(status.st_mode)) return fail(path.string() + ": it is no regular file");
  return file;
}

// A new file in an open directory. Its name is removed with this object, unless the file got another one.
class NewFile {
 public:
  NewFile(const Opened& folder, std::string name)
      : folder_(folder.get()), name_(std::move(name)), file_(create(folder_, name_)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() { remove_name(); }

  [[nodiscard]] int get() const { return file_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  // From then on the end of the process removes the file, however it ends.
  void remove_name() {
    if (get() >= 0 && has_name_) unlinkat(folder_, name_.c_str(), 0);
    has_name_ = false;
  }
  // Returns 0 or errno; EEXIST if a file has the name.
  [[nodiscard]] int rename_to_free(const std::string& name) {
    int error = renameat2(folder_, name_.c_str(), folder_, name.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (error == EINVAL || error == ENOSYS) {  // some file systems do not support it
      error = linkat(folder_, name_.c_str(), folder_, name.c_str(), 0) == 0 ? 0 : errno;
      if (error == 0) unlinkat(folder_, name_.c_str(), 0);
    }
    if (error == 0) has_name_ = false;
    return error;
  }
  [[nodiscard]] int rename_over(const std::string& name) {
    if (renameat(folder_, name_.c_str(), folder_, name.c_str()) != 0) return errno;
    has_name_ = false;
    return 0;
  }

 private:
  // A new file, locked as long as it is open; EBUSY if another process writes a file of this name. Replaces what a
  // killed process left.
  static Opened create(int folder, const std::string& name) {
    constexpr int kOptions = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    const Opened left(openat(folder, name.c_str(), kOptions));
    if (left.get() >= 0 && !lock(left.get())) return Opened(-1);
    unlinkat(folder, name.c_str(), 0);
    Opened made(openat(folder, name.c_str(), kOptions | O_CREAT | O_EXCL, 0600));
    return made.get() < 0 || lock(made.get()) ? std::move(made) : Opened(-1);
  }
  // Some file systems have no locks. There two backups at the same time are not noticed.
  static bool lock(int file) {
    if (flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    errno = EBUSY;
    return false;
  }

  int folder_;
  std::string name_;
  Opened file_;
  bool has_name_ = true;
};

// The content of a file, mapped into memory. The file must not be truncated as long as this exists.
class Mapped {
 public:
  static Result<Mapped> of(int file, const fs::path& path) {
    struct stat status {};
    if (fstat(file, &status) != 0) return fail(because(path));
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return Mapped(nullptr, 0);
    void* const begin = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (begin == MAP_FAILED) return fail(because(path));
    madvise(begin, size, MADV_SEQUENTIAL);
    return Mapped(begin, size);
  }
  Mapped(Mapped&& other) noexcept : begin_(std::exchange(other.begin_, nullptr)), size_(other.size_) {}
  Mapped& operator=(Mapped&&) = delete;
  ~Mapped() {
    if (begin_ != nullptr) munmap(begin_, size_);
  }
  [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(begin_), size_}; }

 private:
  Mapped(void* begin, std::size_t size) : begin_(begin), size_(size) {}
  void* begin_;
  std::size_t size_;
};

// Copies the bytes that `from` has now. Returns 0 or errno.
int copy_bytes(int from, int to) {
  struct stat status {};
  if (fstat(from, &status) != 0) return errno;
  std::vector<char> buffer(kCopiedAtOnce);
  for (off_t at = 0; at < status.st_size;) {
    const auto left = static_cast<std::size_t>(status.st_size - at);
    const ssize_t count = pread(from, buffer.data(), std::min(buffer.size(), left), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;  // the end of a failed append was taken back
    if (const int error = write_all(to, {buffer.data(), static_cast<std::size_t>(count)}); error != 0) return error;
    at += count;
  }
  return 0;
}

Result<bus::RecoveredState> recover(std::string_view text, const fs::path& path) {
  auto state = bus::recover(text, random_id(), random_id());
  if (!state) return fail(path.string() + ": " + state.error().message);
  if (state->valid_bytes == 0) return fail(path.string() + ": it contains no journal");
  return std::move(*state);
}

// The state in the journal of a node that may run.
Result<bus::RecoveredState> read_live(const BackupOrder& order, const Opened& folder, const std::string& part) {
  for (int tries = 1;; ++tries) {
    auto journal = open_regular(order.journal);  // anew each time: a compaction may have replaced it
    if (!journal) return fail("the node's journal cannot be read: " + journal.error().message);
    NewFile copy(folder, part);
    if (copy.get() < 0) return fail(not_created(order.file));
    copy.remove_name();
    if (const int error = copy_bytes(journal->get(), copy.get()); error != 0)
      return fail(fmt::format("{}: {}", order.file.string(), std::strerror(error)));
    const auto mapped = Mapped::of(copy.get(), order.file);
    if (!mapped) return tl::unexpected(mapped.error());
    auto state = recover(mapped->text(), order.journal);
    if (state || tries == kBackupTries) return state;
  }
}

// Writes a copy of the journal into the file, and syncs it.
Result<BackupFigures> write_copy(const bus::RecoveredState& state, const NewFile& file, const fs::path& path,
                                 bus::JournalCopy copy) {
  BackupFigures figures{copy.frame().node, copy.frame().made, state.store.size(), state.store.digest()};
  for (std::string piece = copy.next(); !piece.empty(); piece = copy.next()) {
    if (const int error = write_all(file.get(), piece); error != 0)
      return fail(fmt::format("{}: {}", path.string(), std::strerror(error)));
    figures.bytes += piece.size();
  }
  if (fsync(file.get()) != 0) return fail(because(path));
  return figures;
}

bool is_there(int folder, const std::string& name) {
  struct stat status {};
  return fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string exists_already(const fs::path& path) {
  return path.string() + " exists already: name a new file";
}

// The file to restore: a whole copy, or a journal with at most a torn tail, as a node that starts accepts it.
Result<bus::RecoveredState> read_whole(std::string_view text, const fs::path& path) {
  auto state = recover(text, path);
  if (state && state->copy && state->valid_bytes < text.size())
    return fail(fmt::format("{}: it is a backup, and {} bytes after its end belong to no backup", path.string(),
                            text.size() - state->valid_bytes));
  return state;
}

// An Error if the file system certainly has no space for that many bytes.
Result<void> check_space(const Opened& folder, std::uint64_t bytes, const fs::path& path) {
  struct statvfs status {};
  if (fstatvfs(folder.get(), &status) != 0) return fail(because(path));
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (bytes <= free) return {};
  return fail(fmt::format("{} has {} bytes of free space, and the restored journal needs {}: make room there",
                          path.string(), free, bytes));
}

// Whether the node has a journal with something in it.
bool has_journal(const Opened& folder) {
  struct stat status {};
  return fstatat(folder.get(), kJournal, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         !(S_ISREG(status.st_mode) && status.st_size == 0);
}

}  // namespace

Result<BackupFigures> make_backup(const BackupOrder& order) {
  if (!order.file.has_filename()) return fail(order.file.string() + " is a directory: name a new file in it");
  const auto folder = open_folder(folder_of(order.file));
  if (!folder) return tl::unexpected(folder.error());
  const std::string name = order.file.filename().string();
  if (is_there(folder->get(), name)) return fail(exists_already(order.file));
  const auto state = read_live(order, *folder, name + ".part");
  if (!state) return tl::unexpected(state.error());
  NewFile part(*folder, name + ".part");
  if (part.get() < 0) return fail(not_created(order.file));
  auto figures = write_copy(*state, part, order.file, bus::JournalCopy(*state, order.node, order.now));
  if (!figures) return figures;
  const int error = part.rename_to_free(name);
  if (error == EEXIST) return fail(exists_already(order.file));
  if (error != 0) return fail(fmt::format("{}: {}", order.file.string(), std::strerror(error)));
  if (fsync(folder->get()) != 0) return fail(because(order.file));
  return figures;
}

Result<BackupFigures> restore_backup(const RestoreOrder& order) {
  const auto folder = open_folder(order.directory);
  if (!folder) return tl::unexpected(folder.error());
  const bool replaces = has_journal(*folder);
  if (replaces && !order.force) {
    return fail(fmt::format("{} has a journal already: add --force to set it aside as {} and replace it", order.node,
                            kBeforeRestore));
  }
  const auto file = open_regular(order.file);
  if (!file) return tl::unexpected(file.error());
  const auto mapped = Mapped::of(file->get(), order.file);
  if (!mapped) return tl::unexpected(mapped.error());
  const auto state = read_whole(mapped->text(), order.file);
  if (!state) return tl::unexpected(state.error());
  if (const auto space = check_space(*folder, mapped->text().size(), order.directory); !space)
    return tl::unexpected(space.error());
  NewFile fresh(*folder, kRestoring);
  const fs::path path = order.directory / kRestoring;
  if (fresh.get() < 0) return fail(not_created(path));
  const bus::CopyFrame origin = state->copy.value_or(bus::CopyFrame{order.node, order.now});
  auto figures = write_copy(*state, fresh, path, bus::JournalCopy(*state, origin.node, origin.made));
  if (!figures) return figures;
  if (replaces) {
    const auto aside = link_aside({folder->get(), kJournal, kBeforeRestore});
    if (!aside) return tl::unexpected(aside.error());
    figures->set_aside = (order.directory / *aside).string();
  }
  const int error = fresh.rename_over(kJournal);
  if (error != 0) return fail(fmt::format("{}: {}", (order.directory / kJournal).string(), std::strerror(error)));
  if (fsync(folder->get()) != 0) return fail(because(order.directory));
  return figures;
}

Result<BackupFigures> check_backup(const fs::path& path) {
  const auto file = open_regular(path);
  if (!file) return tl::unexpected(file.error());
  const auto mapped = Mapped::of(file->get(), path);
  if (!mapped) return tl::unexpected(mapped.error());
  const auto state = read_whole(mapped->text(), path);
  if (!state) return tl::unexpected(state.error());
  if (state->valid_bytes < mapped->text().size()) {
    return fail(fmt::format("{}: its last write was cut off, {} bytes before its end", path.string(),
                            mapped->text().size() - state->valid_bytes));
  }
  BackupFigures figures{{}, {}, state->store.size(), state->store.digest(), mapped->text().size()};
  if (state->copy) {
    figures.node = state->copy->node;
    figures.made = state->copy->made;
  }
  return figures;
}

}  // namespace herd::node

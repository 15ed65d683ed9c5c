#include "node/journal_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace herd::node {

using protocol::fail;
using protocol::Result;

namespace {

constexpr const char* kName = "journal";
constexpr const char* kCopyName = "journal.next";

std::string because(const std::filesystem::path& path) {
  return "journal " + path.string() + ": " + std::strerror(errno);
}

// All of it, or errno.
int write_all(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0 ? ENOSPC : errno;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return 0;
}

}  // namespace

JournalFile::JournalFile(std::filesystem::path directory, int file, int folder)
    : directory_(std::move(directory)), file_(file), folder_(folder) {}

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
  const int file = openat(folder, kName, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    auto error = fail(because(path));
    close(folder);
    return error;
  }
  unlinkat(folder, kCopyName, 0);  // of a copy that a crash cut off
  std::unique_ptr<JournalFile> opened(new JournalFile(directory, file, folder));
  struct stat status {};
  if (fstat(file, &status) != 0) return fail(because(path));
  opened->end_ = static_cast<std::uint64_t>(status.st_size);
  return opened;
}

std::filesystem::path JournalFile::path() const {
  return directory_ / kName;
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

int JournalFile::cut(std::uint64_t bytes) {
  unmap();
  if (ftruncate(file_, static_cast<off_t>(bytes)) != 0) return errno;
  end_ = bytes;
  return sync();
}

int JournalFile::append(std::string_view bytes) {
  const int error = write_all(file_, bytes, end_);
  if (error == 0) {
    end_ += bytes.size();
  } else if (ftruncate(file_, static_cast<off_t>(end_)) != 0) {
    return errno;  // what stands behind the end is overwritten by the next append
  }
  return error;
}

int JournalFile::sync() {
  return fdatasync(file_) == 0 ? 0 : errno;
}

int JournalFile::begin_copy() {
  drop_copy();
  copy_ = openat(folder_, kCopyName, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return copy_ >= 0 ? 0 : errno;
}

int JournalFile::append_to_copy(std::string_view bytes) {
  const int error = write_all(copy_, bytes, copy_end_);
  if (error == 0) copy_end_ += bytes.size();
  return error;
}

int JournalFile::replace_by_copy(bool& committed) {
  committed = false;
  if (fdatasync(copy_) != 0) return errno;
  if (renameat(folder_, kCopyName, folder_, kName) != 0) return errno;
  committed = true;
  close(std::exchange(file_, std::exchange(copy_, -1)));
  end_ = std::exchange(copy_end_, 0);
  return fsync(folder_) == 0 ? 0 : errno;
}

void JournalFile::drop_copy() {
  if (copy_ < 0) return;
  close(std::exchange(copy_, -1));
  copy_end_ = 0;
  unlinkat(folder_, kCopyName, 0);
}

}  // namespace herd::node

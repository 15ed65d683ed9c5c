#include "node/base/socket_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

// The longest wait of the destructor for the thread, which may be blocked in the file system.
constexpr std::chrono::milliseconds kEndPatience{1'000};

// Closes a descriptor in its destructor, unless it was released.
class Owned {
 public:
  explicit Owned(int descriptor) : descriptor_(descriptor) {}
  ~Owned() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

// The address refers to the directory by its descriptor, because a path may be longer than sun_path.
Result<sockaddr_un> address_of(int directory, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory, name);
  if (path.size() >= sizeof address.sun_path) return fail("its name is too long for a unix socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::string reason() {
  return std::strerror(errno);
}

}  // namespace

class SocketFile::Watcher {
 public:
  Watcher(std::filesystem::path directory, std::string name)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        made_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        stop_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Watcher() {
    if (const int listening = made_; listening >= 0) close(listening);
  }

  Result<void> make();
  void run();
  void stop() { signal(stop_event_.get()); }
  [[nodiscard]] int take();
  [[nodiscard]] int made_event() const { return made_event_.get(); }
  void remove_ours() const;

 private:
  [[nodiscard]] bool is_ours() const;
  [[nodiscard]] std::filesystem::path path() const { return directory_ / name_; }
  static void signal(int event);

  const std::filesystem::path directory_;
  const std::string name_;
  Owned made_event_;
  Owned stop_event_;
  std::atomic<int> made_ = -1;  // a listening descriptor that was not taken yet
  dev_t device_ = 0;            // of the file that was created last
  ino_t inode_ = 0;
  bool is_reported_ = false;  // the log has the warning that it cannot be created
};

// ---- the thread ----------------------------------------------------------------------------------------------------

Result<void> SocketFile::Watcher::make() {
  const Owned directory(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return fail(reason());
  if (unlinkat(directory.get(), name_.c_str(), 0) != 0 && errno != ENOENT) return fail(reason());
  const auto address = address_of(directory.get(), name_);
  if (!address) return tl::unexpected(address.error());
  Owned listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The file gets the mode of the socket at bind(), so that other users can never open it.
  if (listening.get() < 0 || fchmod(listening.get(), 0600) != 0 ||
      bind(listening.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(listening.get(), SOMAXCONN) != 0) {
    return fail(reason());
  }
  struct stat file {};
  if (fstatat(directory.get(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) return fail(reason());
  device_ = file.st_dev;
  inode_ = file.st_ino;
  const Owned before(made_.exchange(listening.release()));
  signal(made_event_.get());
  return {};
}

// Compares inodes: an inode number is not reused while its socket is open.
bool SocketFile::Watcher::is_ours() const {
  struct stat file {};
  return lstat(path().c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
}

void SocketFile::Watcher::run() {
  pollfd stopped{stop_event_.get(), POLLIN, 0};
  while (poll(&stopped, 1, static_cast<int>(kLookPeriod.count())) == 0) {
    if (is_ours()) continue;
    const auto made = make();
    if (made) {
      spdlog::warn("event=socket_made_again path={} reason=\"it was removed or replaced\"", path().string());
    } else if (!is_reported_) {
      spdlog::warn("event=socket_missing path={} reason=\"removed or replaced, and it cannot be created again: {}\"",
                   path().string(), made.error().message);
    }
    is_reported_ = !made;
  }
}

// ---- the owner's thread --------------------------------------------------------------------------------------------

void SocketFile::Watcher::signal(int event) {
  const std::uint64_t one = 1;
  if (write(event, &one, sizeof one) < 0) return;  // the counter is full: the descriptor is readable already
}

int SocketFile::Watcher::take() {
  std::uint64_t count = 0;
  if (read(made_event_.get(), &count, sizeof count) < 0) return -1;
  return made_.exchange(-1);
}

void SocketFile::Watcher::remove_ours() const {
  if (is_ours()) unlink(path().c_str());
}

SocketFile::SocketFile(std::shared_ptr<Watcher> watcher)
    : watcher_(std::move(watcher)), thread_("herd-socket", [shared = watcher_] { shared->run(); }) {}

Result<std::unique_ptr<SocketFile>> SocketFile::open(const std::filesystem::path& directory, const std::string& name) {
  const auto watcher = std::make_shared<Watcher>(directory, name);
  if (watcher->made_event() < 0) return fail(reason());
  if (auto made = watcher->make(); !made) return tl::unexpected(made.error());
  try {
    return std::unique_ptr<SocketFile>(
        new SocketFile(watcher));  // std::make_unique cannot call the private constructor
  } catch (const std::system_error& problem) {
    return fail(problem.what());
  }
}

// If the thread is blocked, the file is not removed: the thread still uses the file's inode, and the file system would
// block this thread too.
SocketFile::~SocketFile() {
  watcher_->stop();
  if (thread_.join_for(kEndPatience)) watcher_->remove_ours();
}

int SocketFile::descriptor() const {
  return watcher_->made_event();
}

int SocketFile::take() {
  return watcher_->take();
}

}  // namespace herd::node

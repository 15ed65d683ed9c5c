#include "node/base/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/scratch_dir.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;
using protocol::Nanoseconds;
using Variables = std::map<std::string, std::string>;

constexpr Nanoseconds kNow = 1'000s;

ServiceManager::Variable from(const Variables& variables) {
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

// The socket of systemd: `name` is a path, or @ and an abstract name.
class Receiver {
 public:
  explicit Receiver(std::string name) : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool is_abstract = name.starts_with('@');
    if (is_abstract) name[0] = '\0';
    std::memcpy(address.sun_path, name.data(), name.size());
    const std::size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1);
    REQUIRE(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) == 0);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { close(descriptor_); }

  // The next datagram; empty if there is none.
  [[nodiscard]] std::string next() const {
    std::array<char, 256> buffer{};
    const ssize_t size = recv(descriptor_, buffer.data(), buffer.size(), 0);
    return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int descriptor_;
};

TEST_CASE("a node reports its states to a socket with a path and to an abstract one") {
  const ScratchDir scratch;
  for (const std::string& name : {(scratch.path() / "notify").string(), "@herd-test-" + std::to_string(getpid())}) {
    const Receiver systemd(name);
    ServiceManager manager(from({{"NOTIFY_SOCKET", name}}));
    CHECK(manager.is_present());
    CHECK(manager.is_starting());
    manager.reloading(kNow);  // ignored: the node is not ready, and would be reported as ready after it
    manager.reloaded(kNow);
    CHECK(systemd.next().empty());
    manager.ready(kNow);
    manager.ready(kNow);
    CHECK_FALSE(manager.is_starting());
    CHECK(systemd.next() == "READY=1");
    manager.reloading(kNow);
    manager.reloaded(kNow);
    CHECK(systemd.next() == "RELOADING=1\nMONOTONIC_USEC=1000000000");
    CHECK(systemd.next() == "READY=1");
    manager.stopping(kNow);
    manager.stopping(kNow);
    manager.reloading(kNow);
    manager.reloaded(kNow);
    manager.ready(kNow);
    CHECK(systemd.next() == "STOPPING=1");
    CHECK(systemd.next().empty());
    CHECK(manager.next_deadline() == Nanoseconds::max());  // without a watchdog there is nothing more to send
  }
}

TEST_CASE("a node that stops before it is ready never reports that it is ready") {
  const ScratchDir scratch;
  const std::string name = scratch.path() / "notify";
  const Receiver systemd(name);
  ServiceManager manager(from({{"NOTIFY_SOCKET", name}}));
  manager.stopping(kNow);
  manager.ready(kNow);
  CHECK(systemd.next() == "STOPPING=1");
  CHECK(systemd.next().empty());
}

TEST_CASE("without NOTIFY_SOCKET, or with an invalid one, nothing is sent") {
  const CapturedLog log;
  for (const std::string& name : {std::string(), std::string("relative/path"), "/" + std::string(107, 'a')}) {
    ServiceManager manager(from({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "2000000"}}));
    CHECK_FALSE(manager.is_present());
    manager.ready(kNow);
    manager.work(kNow);
    CHECK(manager.next_deadline() == Nanoseconds::max());
  }
  CHECK(log.count("event=notify_ignored") == 2);
  const ScratchDir scratch;
  const std::string longest = "@" + std::string(106, 'a');
  const Receiver systemd(longest);
  ServiceManager manager(from({{"NOTIFY_SOCKET", longest}}));
  manager.ready(kNow);
  CHECK(systemd.next() == "READY=1");
}

TEST_CASE("a sign of life is sent at the first call and after each half of the watchdog's time") {
  const ScratchDir scratch;
  const std::string name = scratch.path() / "notify";
  const Receiver systemd(name);
  ServiceManager manager(
      from({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", std::to_string(getpid())}}));
  manager.work(kNow);
  CHECK(systemd.next() == "WATCHDOG=1");
  CHECK(manager.next_deadline() == kNow + 1500ms);
  manager.work(kNow + 1499ms);
  CHECK(systemd.next().empty());
  manager.work(kNow + 1500ms);
  CHECK(systemd.next() == "WATCHDOG=1");
  CHECK(manager.next_deadline() == kNow + 3000ms);
}

TEST_CASE("a watchdog of another process and one with an invalid time are ignored") {
  const CapturedLog log;
  const ScratchDir scratch;
  const std::string name = scratch.path() / "notify";
  const Receiver systemd(name);
  const auto deadline = [&](const std::string& microseconds, const std::string& process) {
    ServiceManager manager(from({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", microseconds}, {"WATCHDOG_PID", process}}));
    manager.work(kNow);
    return manager.next_deadline();
  };
  CHECK(deadline("3000000", "1") == Nanoseconds::max());
  CHECK(log.count("event=notify_ignored") == 0);
  for (const char* invalid : {"0", "999", "86400000001", "-1", "1s", "99999999999999999999"}) {
    CHECK(deadline(invalid, "") == Nanoseconds::max());
  }
  CHECK(log.count("event=notify_ignored") == 6);
  CHECK(systemd.next().empty());
  CHECK(deadline("1000", "") == kNow + 500us);
  CHECK(deadline("86400000000", "") == kNow + 12h);
}

TEST_CASE("a socket that is full or missing blocks nothing, and gets the newest state later") {
  const CapturedLog log;
  const ScratchDir scratch;
  const std::string name = scratch.path() / "notify";
  ServiceManager manager(from({{"NOTIFY_SOCKET", name}}));
  manager.ready(kNow);
  CHECK(log.count("event=notify_failed") == 1);
  CHECK(manager.next_deadline() == kNow + ServiceManager::kRetryPeriod);
  const Receiver systemd(name);
  manager.work(kNow + ServiceManager::kRetryPeriod - 1ns);
  CHECK(systemd.next().empty());
  manager.work(kNow + ServiceManager::kRetryPeriod);
  CHECK(systemd.next() == "READY=1");

  // The kernel limits the datagrams in a socket (net.unix.max_dgram_qlen).
  int sent = 0;
  while (manager.next_deadline() == Nanoseconds::max() && ++sent < 100'000) manager.reloaded(kNow);
  REQUIRE(sent < 100'000);
  manager.stopping(kNow);
  CHECK(log.count("event=notify_failed") == 2);
  std::string last;
  for (std::string text = systemd.next(); !text.empty(); text = systemd.next()) last = text;
  CHECK(last == "READY=1");
  manager.work(kNow + ServiceManager::kRetryPeriod);
  CHECK(systemd.next() == "STOPPING=1");
  CHECK(manager.next_deadline() == Nanoseconds::max());
}

}  // namespace
}  // namespace herd::node

#include "node/base/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

namespace herd::node {

protocol::Result<Signals> Signals::block() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&handled, signal);
  const int blocked = pthread_sigmask(SIG_BLOCK, &handled, nullptr);
  const int descriptor = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  if (blocked != 0 || descriptor < 0)
    return protocol::fail(std::string("signals cannot be received by a descriptor: ") + std::strerror(errno));
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error of the write, like a full disk
  return Signals(descriptor);
}

Signals::Signals(Signals&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Signals::~Signals() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<int> Signals::take() {
  signalfd_siginfo info{};
  if (read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace herd::node

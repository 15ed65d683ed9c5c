#include "node/base/loose_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace herd::node {
namespace {

constexpr std::chrono::milliseconds kLookAgain{1};  // only at the end of a process, and for a short time

}  // namespace

LooseThread::LooseThread(const char* name, std::function<void()> body)
    : has_ended_(std::make_shared<std::atomic<bool>>(false)) {
  thread_ = std::thread([has_ended = has_ended_, work = std::move(body)] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    work();
    *has_ended = true;
  });
  pthread_setname_np(thread_.native_handle(), name);
}

LooseThread::~LooseThread() {
  if (!join_for(std::chrono::milliseconds{0})) thread_.detach();
}

bool LooseThread::join_for(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!*has_ended_) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace herd::node

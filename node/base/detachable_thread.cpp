#include "node/base/detachable_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace herd::node {

DetachableThread::DetachableThread(const char* name, std::function<void()> body) {
  std::promise<void> ended;
  ended_ = ended.get_future();
  thread_ = std::thread([ended = std::move(ended), work = std::move(body)]() mutable {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    work();
    ended.set_value();
  });
  pthread_setname_np(thread_.native_handle(), name);
}

DetachableThread::~DetachableThread() {
  if (!join_for(std::chrono::milliseconds{0})) thread_.detach();
}

bool DetachableThread::join_for(std::chrono::milliseconds patience) {
  if (ended_.wait_for(patience) != std::future_status::ready) return false;
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace herd::node

// A thread that may be blocked in a system call when the process ends, because a disk or a network file system hangs.
// Its owner waits for it for a bounded time, then detaches it. So the thread may outlive its owner, and must own
// everything that it uses: give it shared pointers, never references.
//
// All signals are blocked in the thread. Use an object only on the thread that made it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace herd::node {

class DetachableThread {
 public:
  // `name`: at most 15 bytes, shown by `top -H`.
  DetachableThread(const char* name, std::function<void()> body);

  // Detaches the thread if it still runs. Make it end and call join_for() before.
  ~DetachableThread();
  DetachableThread(const DetachableThread&) = delete;
  DetachableThread& operator=(const DetachableThread&) = delete;

  // Waits at most `patience` for the end of the thread. Returns whether it has ended.
  bool join_for(std::chrono::milliseconds patience);

 private:
  std::future<void> ended_;
  std::thread thread_;
};

}  // namespace herd::node

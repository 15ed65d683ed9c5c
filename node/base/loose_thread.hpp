// A thread that may be stuck in a system call, because of a disk or a network file system that hangs, when the process
// wants to end. Its owner waits for it for a bounded time and then leaves it to the end of the process. So it must own
// what it uses: give it shared pointers, never references.
//
// All signals are blocked in it. Used by the thread that made it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace herd::node {

class LooseThread {
 public:
  // `name`: at most 15 bytes, as `top -H` shows it.
  LooseThread(const char* name, std::function<void()> body);

  // Leaves the thread to itself if it still runs: make it end and call join_for() first.
  ~LooseThread();
  LooseThread(const LooseThread&) = delete;
  LooseThread& operator=(const LooseThread&) = delete;

  // Waits until the thread has ended, but no longer than `patience`. False if it has not.
  bool join_for(std::chrono::milliseconds patience);

 private:
  std::future<void> ended_;
  std::thread thread_;
};

}  // namespace herd::node

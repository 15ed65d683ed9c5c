#include "bus/zmq/dialler.hpp"

#include <algorithm>
#include <utility>

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

bool Dialler::set_keys(std::vector<std::string> keys) {
  const std::string used = key() == nullptr ? "" : *key();
  keys_ = std::move(keys);
  const auto found = std::find(keys_.begin(), keys_.end(), used);
  const bool lost = found == keys_.end();
  index_ = lost ? 0 : static_cast<std::size_t>(found - keys_.begin());
  if ((lost || keys_.size() < 2) && next_key_) {
    due_ = Nanoseconds::max();
    next_key_ = false;
  }
  if (lost) failures_ = 0;
  return lost && !(used.empty() && keys_.empty());
}

void Dialler::succeeded() {
  failures_ = 0;
  due_ = Nanoseconds::max();
  next_key_ = false;
}

void Dialler::failed(Now now) {
  ++failures_;
  if (keys_.size() < 2 || failures_ < kFailuresOfKey || due_ != Nanoseconds::max()) return;
  next_key_ = true;
  due_ = std::max(now.steady, chosen_at_ + kKeyPatience);
}

void Dialler::refused(Now now) {
  next_key_ = false;
  due_ = now.steady + kRefusedWait;
}

bool Dialler::take_dial(Now now) {
  if (now.steady < due_) return false;
  due_ = Nanoseconds::max();
  if (std::exchange(next_key_, false)) {
    index_ = (index_ + 1) % keys_.size();
    chosen_at_ = now.steady;
  }
  failures_ = 0;
  return true;
}

}  // namespace herd::bus

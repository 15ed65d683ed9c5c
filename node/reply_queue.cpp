#include "node/reply_queue.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node {

std::string& ReplyQueue::tail() {
  std::string& text = slots_.empty() ? ready_ : slots_.back().behind;
  if (text.empty()) {
    spares_->take(text);
  }
  return text;
}

std::string& ReplyQueue::tail_behind(std::uint64_t number, protocol::Nanoseconds now) {
  if (!same_turn_ || slots_.empty() || slots_.back().number == 0) {
    slots_.push_back({{}, {}, false, number, now});
    ++gates_;
    same_turn_ = true;
  }
  Slot& gate = slots_.back();
  gate.number = std::max(gate.number, number);
  awaited_ = std::max(awaited_, number);
  return tail();
}

void ReplyQueue::release(std::uint64_t acknowledged) {
  for (Slot& slot : slots_) {
    if (slot.number == 0 || slot.filled || slot.number > acknowledged) continue;
    slot.filled = true;
    --gates_;
  }
  if (gates_ == 0) awaited_ = 0;
  release_front();
}

protocol::Nanoseconds ReplyQueue::waits_since() const {
  const auto waiting =
      std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.number != 0 && !slot.filled; });
  HERD_ASSERT(waiting != slots_.end());
  return waiting->since;
}

ReplyQueue::SlotId ReplyQueue::reserve(std::string beginning) {
  slots_.push_back({std::move(beginning), {}, false, 0, {}});
  ++pending_;
  return first_id_ + slots_.size() - 1;
}

void ReplyQueue::fill(SlotId id, std::string_view rest, std::string_view end) {
  HERD_ASSERT(id >= first_id_ && id - first_id_ < slots_.size());
  Slot& slot = slots_[id - first_id_];
  HERD_ASSERT(!slot.filled);
  slot.filled = true;
  --pending_;
  if (id != first_id_) {
    slot.reply.append(rest).append(end);
    return;
  }
  if (ready_.empty()) spares_->take_for_places(ready_);
  ready_.append(slot.reply).append(rest).append(end);
  slot.reply.clear();  // it has left
  release_front();
}

std::string_view ReplyQueue::ready_bytes() const {
  return std::string_view(ready_).substr(sent_);
}

void ReplyQueue::sent(std::size_t count) {
  HERD_ASSERT(count <= ready_.size() - sent_);
  sent_ += count;
  if (sent_ == ready_.size()) {
    spares_->give(ready_);
    sent_ = 0;
  } else if (sent_ > ready_.size() / 2) {
    ready_.erase(0, sent_);
    sent_ = 0;
  }
}

std::size_t ReplyQueue::bytes() const {
  std::size_t sum = ready_.size() - sent_;
  for (const Slot& slot : slots_) {
    sum += slot.reply.size() + slot.behind.size();
  }
  return sum;
}

void ReplyQueue::release_front() {
  const auto first_waiting = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.filled; });
  for (auto slot = slots_.begin(); slot != first_waiting; ++slot) {
    ready_.append(slot->reply).append(slot->behind);
    spares_->give(slot->behind);
    ++first_id_;
  }
  slots_.erase(slots_.begin(), first_waiting);
  if (slots_.empty()) {
    std::vector<Slot>().swap(slots_);
  }
}

}  // namespace herd::node

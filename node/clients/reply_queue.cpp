#include "node/clients/reply_queue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node {

using protocol::kTimingMark;

namespace {

// Several answers to timing marks in one text, so that many of them take few system calls.
constexpr std::size_t kMarksAtOnce = 256;
constexpr auto kTimingMarks = [] {
  std::array<char, kMarksAtOnce * kTimingMark.size()> marks{};
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] = kTimingMark[i % kTimingMark.size()];
  return marks;
}();

}  // namespace

std::string& ReplyQueue::tail() {
  std::string& text = slots_.empty() ? ready_ : slots_.back().trailer;
  if (text.empty()) {
    buffers_->take(text);
  }
  return text;
}

std::string& ReplyQueue::tail_when_acknowledged(std::uint64_t number, protocol::Nanoseconds now) {
  if (!same_iteration_ || slots_.empty() || slots_.back().number == 0) {
    slots_.push_back({.reply = {}, .trailer = {}, .number = number, .since = now});
    ++waiting_iterations_;
    same_iteration_ = true;
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
    --waiting_iterations_;
  }
  if (waiting_iterations_ == 0) awaited_ = 0;
  release_front();
}

protocol::Nanoseconds ReplyQueue::waits_since() const {
  const auto waiting =
      std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.number != 0 && !slot.filled; });
  HERD_ASSERT(waiting != slots_.end());
  return waiting->since;
}

ReplyQueue::SlotId ReplyQueue::reserve(std::string beginning) {
  slots_.push_back({.reply = std::move(beginning), .trailer = {}});
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
  if (ready_.empty()) buffers_->take_for_places(ready_);
  ready_.append(slot.reply).append(rest).append(end);
  slot.reply.clear();  // its bytes are in ready_ now
  release_front();
}

std::string_view ReplyQueue::ready_bytes() const {
  const std::string_view ready = std::string_view(ready_).substr(sent_);
  if (timing_mark_bytes_ == 0) return ready;
  if (!marks_are_next()) return ready.substr(0, ready.find('\n') + 1);  // a reply ends with a line end
  // Some bytes of the first mark may be sent already.
  const std::string_view marks(kTimingMarks.data(), kTimingMarks.size());
  const std::size_t sent = (kTimingMark.size() - timing_mark_bytes_ % kTimingMark.size()) % kTimingMark.size();
  return marks.substr(sent, timing_mark_bytes_);
}

void ReplyQueue::sent(std::size_t count) {
  if (count == 0) return;
  if (marks_are_next()) {
    HERD_ASSERT(count <= timing_mark_bytes_);
    timing_mark_bytes_ -= count;
    return;
  }
  HERD_ASSERT(count <= ready_.size() - sent_);
  sent_ += count;
  at_line_end_ = ready_[sent_ - 1] == '\n';
  if (sent_ == ready_.size()) {
    buffers_->give(ready_);
    sent_ = 0;
  } else if (sent_ > ready_.size() / 2) {
    ready_.erase(0, sent_);
    sent_ = 0;
  }
}

std::size_t ReplyQueue::bytes() const {
  std::size_t sum = ready_.size() - sent_ + timing_mark_bytes_;
  for (const Slot& slot : slots_) {
    sum += slot.reply.size() + slot.trailer.size();
  }
  return sum;
}

std::size_t ReplyQueue::memory() const {
  // A short text is stored in the string object itself.
  const auto held = [](const std::string& text) { return text.capacity() < sizeof(std::string) ? 0 : text.capacity(); };
  std::size_t sum = held(ready_) + slots_.capacity() * sizeof(Slot);
  for (const Slot& slot : slots_) sum += held(slot.reply) + held(slot.trailer);
  return sum;
}

void ReplyQueue::release_front() {
  const auto first_waiting = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.filled; });
  for (auto slot = slots_.begin(); slot != first_waiting; ++slot) {
    ready_.append(slot->reply).append(slot->trailer);
    buffers_->give(slot->trailer);
    if (slot->commands > 0) times_->answered(slot->came, slot->commands);
    ++first_id_;
  }
  slots_.erase(slots_.begin(), first_waiting);
  if (slots_.empty()) {
    std::vector<Slot>().swap(slots_);
  }
}

}  // namespace herd::node

// The replies of one connection, in the order of its commands. A reply that is known at once is appended; for one that
// must wait (a lookup of places) a slot is reserved, and what is appended behind it waits with it. Owned by one
// session, used on the loop's thread only. With nothing to say it holds no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/buffer_pool.hpp"
#include "protocol/clock.hpp"
#include "protocol/telnet.hpp"

namespace herd::node {

class ReplyQueue {
 public:
  using SlotId = std::uint64_t;  // counts from 0 in each queue

  // `spares` must outlive it.
  explicit ReplyQueue(BufferPool& buffers) : buffers_(&buffers) {}

  // Where the next reply is to be appended. Good until the next call of any function of this object.
  [[nodiscard]] std::string& tail();

  // The same, for a reply that may only leave once `number` is acknowledged (release() says so). Replies to be appended
  // within one turn wait together, for the greatest of their numbers: new_iteration() ends that.
  [[nodiscard]] std::string& tail_trailer(std::uint64_t number, protocol::Nanoseconds now);
  void new_iteration() { same_iteration_ = false; }

  // All that waits for numbers up to `acknowledged` may leave.
  void release(std::uint64_t acknowledged);

  // The greatest number that a reply waits for; 0: none does.
  [[nodiscard]] std::uint64_t awaited() const { return gates_ > 0 ? awaited_ : 0; }
  // Since when the oldest of them waits, in steady time; only while awaited() is not 0.
  [[nodiscard]] protocol::Nanoseconds waits_since() const;

  // Reserves the place of one reply. `beginning` is what is known of it now.
  [[nodiscard]] SlotId reserve(std::string beginning);

  // Completes the reply of a slot that was reserved and not filled yet: its beginning, `rest` and `end`.
  void fill(SlotId id, std::string_view rest, std::string_view end);

  // Answers telnet's requests for a timing mark: before all replies of which no byte was sent, and never inside a line.
  void answer_timing_marks(std::size_t count) { timing_mark_bytes_ += count * protocol::kTimingMark.size(); }

  // What can be sent now. Good until the next call of a function that is not const.
  [[nodiscard]] std::string_view ready_bytes() const;

  // The first `count` of the ready bytes were sent.
  void sent(std::size_t count);

  // Slots reserved and not filled yet.
  [[nodiscard]] std::size_t pending() const { return pending_; }

  // Turns whose replies wait for an acknowledgement.
  [[nodiscard]] std::size_t gates() const { return gates_; }

  // Everything held: ready, or waiting behind a slot.
  [[nodiscard]] std::size_t bytes() const;

  // The memory that this takes, with what texts have reserved.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Slot {
    std::string reply;
    std::string trailer;  // complete replies between this slot and the next
    bool filled = false;
    std::uint64_t number = 0;  // not 0: a gate, filled once this is acknowledged; its replies stand behind it
    protocol::Nanoseconds since{};
  };

  void release_front();
  [[nodiscard]] bool marks_are_next() const {
    return timing_mark_bytes_ > 0 && (at_line_end_ || sent_ == ready_.size());
  }

  BufferPool* buffers_;
  std::string ready_;
  std::size_t sent_ = 0;  // bytes at the front of ready_ that are gone
  // Not a deque, which holds half a kilobyte when it is empty: an idle connection is to cost nothing, and the few slots
  // of a busy one are moved quickly.
  std::vector<Slot> slots_;
  SlotId first_id_ = 0;  // of slots_.front()
  std::size_t pending_ = 0;
  std::size_t gates_ = 0;
  std::uint64_t awaited_ = 0;
  std::size_t timing_mark_bytes_ = 0;  // of answers to timing marks that are not sent yet
  bool same_iteration_ = false;        // the last slot is a gate of this turn
  bool at_line_end_ = true;            // of ready_, nothing or a line end was sent last
};

}  // namespace herd::node

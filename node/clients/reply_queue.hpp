// The replies of one connection, in the order of its commands.
//
// A reply that is known at once is appended to tail(). A reply that needs a places lookup reserves a slot; replies
// appended after the slot wait until the slot is filled. A reply that waits for an acknowledgement is appended to
// tail_when_acknowledged(). Example:
//
//   queue.tail() += "AT ...\n";                 // ready at once
//   const auto slot = queue.reserve("AT ...\n");
//   queue.tail() += "? foo\n";                  // waits for the slot
//   queue.fill(slot, document, "\n\n");         // now all of it is ready
//
// Owned by one session, used on the loop's thread only. An empty queue holds no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/buffer_pool.hpp"
#include "node/clients/command_figures.hpp"
#include "protocol/clock.hpp"
#include "protocol/telnet.hpp"

namespace herd::node {

class ReplyQueue {
 public:
  using SlotId = std::uint64_t;  // counts from 0 in each queue

  // Both must outlive the queue.
  ReplyQueue(BufferPool& buffers, CommandTimes& times) : buffers_(&buffers), times_(&times) {}

  // The text to which the next reply is appended. Valid until the next call of any function of this object.
  [[nodiscard]] std::string& tail();

  // The same, for a reply that may leave only when release() acknowledges the change number `number`, which is above 0.
  // Such replies between two calls of new_iteration() form a group, which waits for the greatest of their numbers; a
  // slot between them begins a new group. `now` is steady time.
  [[nodiscard]] std::string& tail_when_acknowledged(std::uint64_t number, protocol::Nanoseconds now);
  void new_iteration() { same_iteration_ = false; }

  // A command was executed: its reply was appended or its slot reserved, or it has none. Its line came at `since`, in
  // steady time. The command counts as answered when no slot before its reply waits. Commands that wait with one slot
  // count from the first line among them.
  void count_command(protocol::Nanoseconds since) {
    if (slots_.empty()) return times_->answered(since, 1);
    Slot& last = slots_.back();
    if (last.commands++ == 0) last.came = since;
  }

  // Replies that wait for a number up to and including `acknowledged` become ready, in order.
  void release(std::uint64_t acknowledged);

  // The greatest change number that a reply waits for; 0 if no reply waits.
  [[nodiscard]] std::uint64_t awaited() const { return waiting_iterations_ > 0 ? awaited_ : 0; }
  // Since when the oldest of these replies waits, in steady time. Call it only while awaited() is above 0.
  [[nodiscard]] protocol::Nanoseconds waits_since() const;

  // Reserves the position of one reply. `beginning` is its first part.
  [[nodiscard]] SlotId reserve(std::string beginning);

  // Completes a reply: its beginning, then `rest`, then `end`. The slot must be reserved and not yet filled.
  void fill(SlotId id, std::string_view rest, std::string_view end);

  // Answers `count` telnet requests for a timing mark. The answers overtake all replies in the queue, but wait for the
  // end of a line that is partly sent.
  void answer_timing_marks(std::size_t count) { timing_mark_bytes_ += count * protocol::kTimingMark.size(); }

  // The bytes that can be sent now. Valid until the next call of a function that is not const.
  [[nodiscard]] std::string_view ready_bytes() const;

  // The first `count` bytes of ready_bytes() were sent.
  void sent(std::size_t count);

  // The number of slots that are reserved and not yet filled.
  [[nodiscard]] std::size_t pending() const { return pending_; }

  // The number of groups of replies that wait for an acknowledgement (tail_when_acknowledged()).
  [[nodiscard]] std::size_t waiting_iterations() const { return waiting_iterations_; }

  // Bytes of all replies in the queue, ready or waiting, without those already sent.
  [[nodiscard]] std::size_t bytes() const;

  // Bytes of memory that the queue holds, including the reserved capacity of its texts.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Slot {
    std::string reply;
    std::string trailer;  // complete replies between this slot and the next
    bool filled = false;
    // 0: the slot of a lookup. Above 0: a gate, which counts as filled when this change number is acknowledged; the
    // replies that wait for it are in `trailer`.
    std::uint64_t number = 0;
    protocol::Nanoseconds since{};  // of a gate: when it was made, in steady time
    std::uint64_t commands = 0;     // that count as answered when this slot no longer waits
    protocol::Nanoseconds came{};   // when the line of the first of them came, in steady time
  };

  void release_front();
  [[nodiscard]] bool marks_are_next() const {
    return timing_mark_bytes_ > 0 && (at_line_end_ || sent_ == ready_.size());
  }

  BufferPool* buffers_;
  CommandTimes* times_;
  std::string ready_;
  std::size_t sent_ = 0;  // bytes at the front of ready_ that were sent
  // A vector, because an empty deque holds half a kilobyte, and an idle connection must hold nothing. A busy connection
  // has few slots, so moving them is cheap.
  std::vector<Slot> slots_;
  SlotId first_id_ = 0;  // the id of slots_.front()
  std::uint32_t pending_ = 0;
  std::uint32_t waiting_iterations_ = 0;
  std::uint64_t awaited_ = 0;
  std::size_t timing_mark_bytes_ = 0;  // answers to timing marks, in bytes, that are not sent yet
  bool same_iteration_ = false;        // the last slot is a gate of this loop iteration
  bool at_line_end_ = true;            // the last reply byte sent was a line end, or none was sent
};

}  // namespace herd::node

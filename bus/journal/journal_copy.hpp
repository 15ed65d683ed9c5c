// A copy of a journal, as a backup is one: the live records, their change numbers, and the positions in the peers'
// feeds, with a frame that states that the file is a copy and what it must contain (journal_frames.hpp). A node that
// starts with it takes a new feed id, so no two nodes, and no two states of one node, use the same change numbers.
// Pure: the caller writes the pieces to a file, in order (node/journal/backup.hpp).
#pragma once

#include <string>

#include "bus/journal/journal_frames.hpp"
#include "bus/journal/recovery.hpp"

namespace herd::bus {

class JournalCopy {
 public:
  // `state`: recovered from the journal of `node`; must outlive this object. `made`: the wall clock.
  JournalCopy(const RecoveredState& state, std::string node, protocol::Nanoseconds made);

  // The next piece, at most about 256 KiB; empty after the last one.
  [[nodiscard]] std::string next();

  [[nodiscard]] const CopyFrame& frame() const { return frame_; }

 private:
  enum class Part : std::uint8_t { Begin, Records, Done };

  const RecoveredState& state_;
  CopyFrame frame_;
  FrameWriter writer_;
  Part part_ = Part::Begin;
  ChangeNumber cursor_ = 0;  // the last change that is in a piece
};

}  // namespace herd::bus

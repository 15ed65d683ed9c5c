// What a journal consists of: frames, each with its own checksums, one behind the other. Pure: text in, text out; where
// it lies on disk is node/journal/journal.hpp's matter.
//
//   frame   = magic(4) length(4) sequence(8) hash of payload(8) hash of the 24 bytes before(8) payload
//   life    = msgpack [1, feed id, base, incarnation]    a run begins: first in every file, and at every start. A copy
//             begins with those of all runs; another feed id than before ends the runs of the former feed
//   records = msgpack [2, bytes, [[index, name, run]…]]   the changes, and which origins their indexes mean
//   bytes   = record…
//   record  = layout(4) length of id(1) 0(1) index of origin(2) id body
//             packed as in the store (bus/store/packed_record.hpp), so that to write one is to copy it
//   mark    = msgpack [3, tail, [[peer, feed id, cursor, run, written]…]]   last in a pass: all live changes up to
//             tail are here
//
// Longer arrays are accepted. Where the last fields of a life or a cursor are missing, as in old journals, they are 0.
//
// Integers of the frame's head are little-endian, hashes are XXH3 of 64 bits, sequences count from 1 without a gap.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bus/store/feed.hpp"
#include "bus/store/feed_position.hpp"
#include "bus/store/packed_record.hpp"
#include "bus/store/record.hpp"
#include "protocol/update.hpp"

namespace herd::bus {

class Store;

// What every frame begins with: HJ, and the version of the format.
inline constexpr std::string_view kFrameMagic = "HJ02";
inline constexpr std::size_t kFrameHeadBytes = 32;
inline constexpr std::size_t kMaxFrameBytes =
    std::size_t{256} * 1024;  // of a payload: its records, their origins, and room

// A run of the node began: change numbers from base + 1 on, in this feed.
struct RunFrame {
  std::uint64_t feed_id = 0;
  ChangeNumber base = 0;
  std::uint64_t incarnation = 0;  // 0: not written down
};

struct MarkFrame {
  ChangeNumber tail = 0;
  std::vector<PeerCursor> cursors;
};

// Appends frames to a text, counting their sequence.
class FrameWriter {
 public:
  // The next frame gets this sequence number plus one.
  explicit FrameWriter(std::uint64_t sequence = 0) : sequence_(sequence) {}

  void run(std::string& out, const RunFrame& run);
  // The live records from `reader` on, at most `most` of them; returns the last number that was written, or 0 if there
  // was none.
  ChangeNumber records(std::string& out, Feed::Reader& reader, const Store& store, std::size_t most);
  void mark(std::string& out, const MarkFrame& mark);

  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  // What was appended since then was not written after all.
  void rewind(std::uint64_t sequence) { sequence_ = sequence; }

 private:
  [[nodiscard]] static std::size_t begin_frame(std::string& out);
  void end_frame(std::string& out, std::size_t at);

  std::uint64_t sequence_;
};

// What the reader finds next.
struct JournalRecord {
  ChangeNumber number = 0;
  protocol::Update update;  // its time is not checked against its text
};
struct RecordsFrame {
  std::span<const JournalRecord> records;  // good until the next frame is read
};
struct FramesEnd {
  std::size_t valid_bytes = 0;  // the whole text, or where its torn tail begins
  std::uint64_t sequence = 0;   // of the last frame
};
struct FramesDamaged {
  std::size_t offset = 0;  // of the frame that cannot be read although valid ones stand behind it
};
using Frame = std::variant<RunFrame, RecordsFrame, MarkFrame, FramesEnd, FramesDamaged>;

class FrameReader {
 public:
  // `text` must stay as it is while the reader lives.
  explicit FrameReader(std::string_view text) : text_(text) {}

  // The next frame. A frame that cannot be read is the torn tail of a write that a crash cut off, if no valid frame
  // stands behind it; else the text is damaged. After FramesEnd and FramesDamaged nothing more may be read.
  [[nodiscard]] Frame next();

 private:
  struct Head {
    std::size_t length = 0;
    std::uint64_t sequence = 0;
  };
  [[nodiscard]] bool head_at(std::size_t offset, Head& head) const;
  [[nodiscard]] bool valid_frame_after(std::size_t offset) const;
  [[nodiscard]] bool read_payload(std::string_view payload, Frame& frame);
  [[nodiscard]] bool read_records(std::string_view bytes);
  [[nodiscard]] bool read_record(const RecordHead& head, std::string_view client, std::string_view body);

  std::string_view text_;
  std::size_t offset_ = 0;
  std::uint64_t sequence_ = 0;
  // Of the records that were read last, and what their views point into.
  struct Origin {
    OriginIndex index = 0;
    std::string name;
    std::uint64_t run = 0;
  };
  std::vector<Origin> origins_;
  std::string bytes_;
  std::vector<UpdateTexts> texts_;
  std::vector<JournalRecord> records_;
};

}  // namespace herd::bus

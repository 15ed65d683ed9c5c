// The format of the journal: a sequence of frames, each with its own checksums. Pure: text in, text out. The file on
// disk is the subject of bus/loop/journal.hpp.
//
//   frame   = magic(4) length(4) sequence(8) hash of payload(8) hash of the 24 bytes before(8) payload
//   magic   = "HJ", and the format in two digits
//   payload = run | records | mark | copy
//   run     = msgpack [1, feed id, base, incarnation]
//             A run begins. First in every file, and at every start of the node. A compacted journal begins with those
//             of all runs of the feed. A feed id that differs from the one before ends the runs of the former feed.
//   records = msgpack [2, bytes, [[index, name, run]…]]
//             Changes, in the order of the feed, and the origins that their records name by index.
//   bytes   = record…
//   record  = layout(4) length of id(1) 0(1) index of origin(2) id body
//             The body is that of the store (bus/store/packed_record.hpp), so the writer copies it unchanged.
//   mark    = msgpack [3, tail, [[peer, feed id, cursor, run, written]…]]
//             The commit mark: the last frame of a flush. All live changes up to `tail` are before it in the file, and
//             the cursors are this node's positions in its peers' feeds.
//   copy    = msgpack [4, node, time, clients, digest]
//             Since format 3. This file is a copy of the journal of `node`, made at `time` (wall clock, ns). At the
//             next mark there must be this many clients, with this digest of the store. Second in the file, after one
//             run. A node that starts with the file takes a new feed id (docs/PROTOCOL.md, rule 32).
//
// Integers outside msgpack are little-endian; sizes are in bytes; hashes are XXH3 of 64 bits without a seed. Sequence
// numbers begin with 1 in each file and have no gaps. Readers accept longer arrays. The last fields of a run or a
// cursor may be missing, as in old journals; then they are 0.
//
// The head of a frame is the same in all formats, so a release recognises the intact frames of any other one. It reads
// the formats from kOldestJournalFormat to kJournalFormat, also mixed in one file: an upgraded node continues the file
// of the release before. Frames of another format end the reading, and nothing of the file may then be changed.
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
#include "protocol/clock.hpp"
#include "protocol/update.hpp"

namespace herd::bus {

class Store;

// The start of every frame that this release writes, and the formats that it reads.
inline constexpr std::string_view kFrameMagic = "HJ03";
inline constexpr unsigned kOldestJournalFormat = 2;
inline constexpr unsigned kJournalFormat = 3;
inline constexpr std::size_t kFrameHeadBytes = 32;
inline constexpr std::size_t kMaxFrameBytes = std::size_t{256} * 1024;  // of a payload
// A RunFrame, the first frame of every journal: the head, an array head, its kind, and three numbers in msgpack.
inline constexpr std::size_t kMaxRunFrameBytes = kFrameHeadBytes + 2 + std::size_t{3} * 9;

// A run of the node began. It gives out the change numbers from base + 1 on, in this feed.
struct RunFrame {
  std::uint64_t feed_id = 0;
  ChangeNumber base = 0;
  std::uint64_t incarnation = 0;  // 0: an old release did not write it
};

// The commit mark of a flush.
struct MarkFrame {
  ChangeNumber tail = 0;            // all live changes up to this one are before the mark
  std::vector<PeerCursor> cursors;  // this node's positions in its peers' feeds
};

// This file is a copy of a journal.
struct CopyFrame {
  std::string node;              // of which it is the journal
  protocol::Nanoseconds made{};  // the wall clock of the machine that made the copy
  std::uint64_t clients = 0;     // records in it
  std::uint64_t digest = 0;      // of a store with exactly these records
};

// Appends frames to a text and numbers them. Has no text of its own.
class FrameWriter {
 public:
  // The next frame gets the number sequence + 1.
  explicit FrameWriter(std::uint64_t sequence = 0) : sequence_(sequence) {}

  void run(std::string& out, const RunFrame& run);
  // Appends the next live records of `reader`, at most `most`, in as many frames as they need. Returns the change
  // number of the last one, or 0 if there was none.
  ChangeNumber records(std::string& out, Feed::Reader& reader, const Store& store, std::size_t most);
  void mark(std::string& out, const MarkFrame& mark);
  void copy(std::string& out, const CopyFrame& copy);

  // The number of the last frame.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  // Gives the numbers after `sequence` out again, because the frames with them were not written to disk.
  void rewind(std::uint64_t sequence) { sequence_ = sequence; }

 private:
  [[nodiscard]] static std::size_t begin_frame(std::string& out);
  void end_frame(std::string& out, std::size_t at);

  std::uint64_t sequence_;
};

// A record as the reader returns it.
struct JournalRecord {
  ChangeNumber number = 0;
  protocol::Update update;  // neither its texts nor its time are validated: see bus/store/update_texts.hpp
};
struct RecordsFrame {
  std::span<const JournalRecord> records;  // valid until the next call of next()
};
// The end of the journal.
struct FramesEnd {
  std::size_t valid_bytes = 0;  // the size of the text, or where its torn tail begins
  std::uint64_t sequence = 0;   // of the last frame; 0: there is none
};
// The journal is damaged: a frame cannot be read, and this is not a torn tail.
struct FramesDamaged {
  std::size_t offset = 0;  // of that frame
};
// From here on the journal is in a format that this release does not read.
struct FramesForeign {
  unsigned format = 0;
};
using Frame = std::variant<RunFrame, RecordsFrame, MarkFrame, CopyFrame, FramesEnd, FramesDamaged, FramesForeign>;

// The first four bytes of every frame in a format from 0 to 99.
[[nodiscard]] std::string magic_of(unsigned format);

// Reads the frames of a journal, which may be any bytes.
class FrameReader {
 public:
  // The bytes of `text` must exist, unchanged, as long as the reader.
  explicit FrameReader(std::string_view text) : text_(text) {}

  // The next frame. If a frame fails its checksums and no valid frame follows it, it is the torn tail of a write that a
  // crash cut off: the result is FramesEnd. Otherwise an unreadable frame gives FramesDamaged. The first frame of
  // another format gives FramesForeign, also if it is not intact: its head may be one that this release does not know.
  // After another frame it must be intact. Do not call next() again after the last three.
  [[nodiscard]] Frame next();

 private:
  struct Head {
    unsigned format = 0;
    std::size_t length = 0;
    std::uint64_t sequence = 0;
  };
  [[nodiscard]] bool head_at(std::size_t offset, Head& head) const;
  [[nodiscard]] bool valid_frame_after(std::size_t offset) const;
  [[nodiscard]] bool read_payload(const Head& head, Frame& frame);
  [[nodiscard]] bool read_records(std::string_view bytes);
  [[nodiscard]] bool read_record(const RecordHead& head, std::string_view client, std::string_view body);

  std::string_view text_;
  std::size_t offset_ = 0;
  std::uint64_t sequence_ = 0;
  // The origins and records of the last RecordsFrame, and the bytes into which its views point.
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

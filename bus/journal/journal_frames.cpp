#include "bus/journal/journal_frames.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <msgpack.hpp>
#include <optional>
#include <utility>

#include "bus/store/mutants.hpp"
#include "bus/store/store.hpp"
#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/name.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

using protocol::little_endian_at;
using protocol::put_little_endian;
using protocol::put_text;

namespace {

// Offsets in the head of a frame.
constexpr std::size_t kLengthAt = kFrameMagic.size();
constexpr std::size_t kSequenceAt = kLengthAt + 4;
constexpr std::size_t kPayloadHashAt = kSequenceAt + 8;
constexpr std::size_t kHashedHeadBytes = kPayloadHashAt + 8;
static_assert(kHashedHeadBytes + 8 == kFrameHeadBytes);

enum class Kind : std::uint8_t { Run = 1, Records = 2, Mark = 3, Copy = 4 };

constexpr std::string_view kMagicName = "HJ";  // the magic without its format
constexpr unsigned kFirstFormatWithCopies = 3;

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

// The format of the magic at the beginning of the text, or nullopt if there is none.
std::optional<unsigned> format_at(std::string_view text) {
  if (text.size() < kFrameMagic.size() || !text.starts_with(kMagicName) || !is_digit(text[2]) || !is_digit(text[3]))
    return std::nullopt;
  return 10U * static_cast<unsigned>(text[2] - '0') + static_cast<unsigned>(text[3] - '0');
}

bool is_readable(unsigned format) {
  return format >= kOldestJournalFormat && format <= kJournalFormat;
}

std::uint64_t hash(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

// msgpack's packer writes to anything with write(const char*, size_t).
struct Appender {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

template <typename... Fields>
void pack(std::string& out, Kind kind, const Fields&... fields) {
  Appender appender{out};
  msgpack::packer<Appender> packer(appender);
  packer.pack_array(sizeof...(fields) + 1);
  packer.pack(static_cast<std::uint8_t>(kind));
  (packer.pack(fields), ...);
}

using PackedCursor = std::tuple<std::string, std::uint64_t, ChangeNumber, std::uint64_t, ChangeNumber>;
using PackedOrigin = std::tuple<OriginIndex, std::string, std::uint64_t>;

// The start of a records payload in msgpack: an array of three, the kind, and a bin with a size of 4 bytes. The size
// follows, big-endian.
constexpr std::string_view kRecordsBegin = "\x93\x02\xc6";
constexpr std::size_t kRecordsSizeBytes = 4;

// The head of a record in the journal is one little-endian integer, from the lowest byte: layout of the body 4, length
// of the id 1, zero 1, index of the origin 2.
constexpr std::size_t kRecordHeadBytes = 8;
constexpr unsigned kClientShift = 32;
constexpr unsigned kZeroShift = 40;
constexpr unsigned kOriginShift = 48;
constexpr std::size_t kMaxRecordBytes = kRecordHeadBytes + protocol::kMaxClientBytes + RecordBody::kMaxBytes;
static_assert(protocol::kMaxBatchBytes + kMaxRecordBytes <= kMaxFrameBytes / 2, "the other half is for origins");

// Collects the records of one frame in a page of 4 KiB and appends them to a text, a page at a time. Call end() after
// the last record.
class RecordsWriter {
 public:
  RecordsWriter(std::string& out, const Store& store) : out_(out), store_(store), begin_(out.size()) {}

  [[nodiscard]] bool full() const {
    return count_ == protocol::kMaxBatchUpdates || bytes() >= protocol::kMaxBatchBytes;
  }
  [[nodiscard]] std::size_t bytes() const { return out_.size() - begin_ + filled_; }

  void add(RecordIndex index) {
    const RecordCells::Cell cell = store_.packed_at(index);
    note_origin(packed_origin(cell.head, cell.body));
    if (page_.size() - filled_ < kMaxRecordBytes) end();
    char* const at = page_.data() + filled_;
    char* const id = put_little_endian(at, cell.head.layout() | std::uint64_t{cell.head.client_bytes} << kClientShift |
                                               std::uint64_t{cell.head.origin} << kOriginShift);
    char* const body = put_text(id, cell.client);
    const char* const end_of_record = put_text(body, {cell.body, cell.head.body_bytes()});
    filled_ = static_cast<std::size_t>(end_of_record - page_.data());
    ++count_;
  }

  void end() {
    out_.append(page_.data(), filled_);
    filled_ = 0;
  }

  // The origins that the records name by index.
  [[nodiscard]] std::vector<PackedOrigin> origins() const {
    std::vector<PackedOrigin> origins;
    origins.reserve(origins_.size());
    for (const OriginIndex index : origins_) {
      const Origins::Origin& origin = store_.origin_at(index);
      origins.emplace_back(index, origin.name, origin.run);
    }
    return origins;
  }

 private:
  void note_origin(OriginIndex index) {
    if (!origins_.empty() && origins_.back() == index) return;
    const auto noted = std::find(origins_.begin(), origins_.end(), index);
    if (noted != origins_.end()) origins_.erase(noted);
    origins_.push_back(index);  // at the back, which is tried first
  }

  std::string& out_;
  const Store& store_;
  std::size_t begin_;  // offset of the first record in the text
  std::array<char, 4096> page_;
  std::size_t filled_ = 0;  // used bytes of the page
  std::size_t count_ = 0;
  std::vector<OriginIndex> origins_;
};

}  // namespace

std::string magic_of(unsigned format) {
  HERD_ASSERT(format < 100);
  return std::string(kMagicName) + static_cast<char>('0' + format / 10) + static_cast<char>('0' + format % 10);
}

// Reserves space for the head of a frame. The caller appends the payload, then end_frame() writes the head.
std::size_t FrameWriter::begin_frame(std::string& out) {
  const std::size_t at = out.size();
  out.append(kFrameHeadBytes, '\0');
  return at;
}

void FrameWriter::end_frame(std::string& out, std::size_t at) {
  const std::string_view payload = std::string_view(out).substr(at + kFrameHeadBytes);
  HERD_ASSERT(payload.size() <= kMaxFrameBytes);
  char* const head = out.data() + at;
  kFrameMagic.copy(head, kFrameMagic.size());
  put_little_endian(head + kLengthAt, static_cast<std::uint32_t>(payload.size()));
  put_little_endian(head + kSequenceAt, ++sequence_);
  put_little_endian(head + kPayloadHashAt, hash(payload));
  put_little_endian(head + kHashedHeadBytes, hash({head, kHashedHeadBytes}));
}

void FrameWriter::run(std::string& out, const RunFrame& run) {
  const std::size_t at = begin_frame(out);
  pack(out, Kind::Run, run.feed_id, run.base, run.incarnation);
  end_frame(out, at);
}

void FrameWriter::mark(std::string& out, const MarkFrame& mark) {
  std::vector<PackedCursor> cursors;
  cursors.reserve(mark.cursors.size());
  for (const PeerCursor& cursor : mark.cursors) {
    const std::uint64_t run = mutated(Mutant::RunNotInMark) ? 0 : cursor.at.run;
    cursors.emplace_back(cursor.peer, cursor.feed_id, cursor.at.cursor, run, cursor.at.written);
  }
  const std::size_t at = begin_frame(out);
  pack(out, Kind::Mark, mark.tail, cursors);
  end_frame(out, at);
}

void FrameWriter::copy(std::string& out, const CopyFrame& copy) {
  const std::size_t at = begin_frame(out);
  pack(out, Kind::Copy, copy.node, copy.made.count(), copy.clients, copy.digest);
  end_frame(out, at);
}

ChangeNumber FrameWriter::records(std::string& out, Feed::Reader& reader, const Store& store, std::size_t most) {
  ChangeNumber last = 0;
  const auto next = [&] { return most-- > 0 ? reader.next() : std::nullopt; };
  for (auto entry = next(); entry;) {
    const std::size_t at = begin_frame(out);
    out.append(kRecordsBegin).append(kRecordsSizeBytes, '\0');
    RecordsWriter records(out, store);
    for (; entry && !records.full(); entry = next()) {
      records.add(entry->index);
      last = entry->number;
    }
    char* const size = out.data() + at + kFrameHeadBytes + kRecordsBegin.size();
    protocol::put_big_endian(size, static_cast<std::uint32_t>(records.bytes()));
    records.end();
    Appender appender{out};
    msgpack::pack(appender, records.origins());
    end_frame(out, at);
  }
  return last;
}

bool FrameReader::head_at(std::size_t offset, Head& head) const {
  if (text_.size() - offset < kFrameHeadBytes) return false;
  const auto format = format_at(text_.substr(offset, kFrameMagic.size()));
  if (!format) return false;
  head.format = *format;
  const char* const at = text_.data() + offset;
  if (little_endian_at<std::uint64_t>(at + kHashedHeadBytes) != hash({at, kHashedHeadBytes})) return false;
  head.length = little_endian_at<std::uint32_t>(at + kLengthAt);
  head.sequence = little_endian_at<std::uint64_t>(at + kSequenceAt);
  if (head.length > text_.size() - offset - kFrameHeadBytes) return false;
  return little_endian_at<std::uint64_t>(at + kPayloadHashAt) == hash({at + kFrameHeadBytes, head.length});
}

bool FrameReader::valid_frame_after(std::size_t offset) const {
  for (std::size_t at = text_.find(kMagicName, offset + 1); at != std::string_view::npos;
       at = text_.find(kMagicName, at + 1)) {
    Head head;
    if (head_at(at, head) && head.sequence > sequence_) return true;
  }
  return false;
}

bool FrameReader::read_records(std::string_view bytes) {
  bytes_.assign(bytes).append(RecordBody::kSlack, '\0');
  records_.clear();
  texts_.clear();
  for (std::string_view left(bytes_.data(), bytes.size()); !left.empty();) {
    if (left.size() < kRecordHeadBytes) return false;
    const auto word = little_endian_at<std::uint64_t>(left.data());
    RecordHead head;
    head.form = static_cast<std::uint32_t>(word);
    head.client_bytes = static_cast<std::uint8_t>(word >> kClientShift);
    head.origin = static_cast<std::uint16_t>(word >> kOriginShift);
    left.remove_prefix(kRecordHeadBytes);
    if ((word >> kZeroShift & 0xFF) != 0 || left.size() < head.client_bytes) return false;
    const std::string_view client = left.substr(0, head.client_bytes);
    left.remove_prefix(client.size());
    const auto size = read_body_bytes(head.form, left);
    if (!size || !read_record(head, client, left.substr(0, *size))) return false;
    left.remove_prefix(*size);
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    records_[i].update.coordinates = texts_[i].coordinates;
    records_[i].update.time_text = texts_[i].time_text;
  }
  return !records_.empty();
}

bool FrameReader::read_record(const RecordHead& head, std::string_view client, std::string_view body) {
  UpdateTexts& texts = texts_.emplace_back();
  const RecordFields fields = unpack_record(head, body.data(), texts.coordinates, texts.time_text);
  const auto origin =
      std::find_if(origins_.begin(), origins_.end(), [&](const Origin& named) { return named.index == fields.origin; });
  if (origin == origins_.end()) return false;
  records_.push_back({fields.number,
                      {{origin->name, origin->run, fields.origin_number},
                       fields.epoch,
                       client,
                       {},
                       {},
                       fields.time,
                       fields.difference}});
  return true;
}

bool FrameReader::read_payload(const Head& head, Frame& frame) {
  const std::string_view payload = text_.substr(offset_ + kFrameHeadBytes, head.length);
  const msgpack::unpack_limit limit(protocol::kMaxBatchUpdates, 0, protocol::kMaxNameBytes, kMaxFrameBytes, 0, 4);
  try {
    std::size_t used = 0;
    const msgpack::object_handle handle =
        msgpack::unpack(payload.data(), payload.size(), used, nullptr, nullptr, limit);
    const auto fields = handle.get().as<std::vector<msgpack::object>>();
    switch (fields.at(0).as<std::uint64_t>()) {
      case static_cast<std::uint64_t>(Kind::Run):
        frame = RunFrame{fields.at(1).as<std::uint64_t>(), fields.at(2).as<ChangeNumber>(),
                         fields.size() > 3 ? fields[3].as<std::uint64_t>() : 0};
        return true;
      case static_cast<std::uint64_t>(Kind::Mark): {
        MarkFrame mark{fields.at(1).as<ChangeNumber>(), {}};
        for (const auto& cursor : fields.at(2).as<std::vector<std::vector<msgpack::object>>>()) {
          FeedPosition at{cursor.at(2).as<ChangeNumber>()};
          if (cursor.size() > 3) at.run = cursor[3].as<std::uint64_t>();
          if (cursor.size() > 4) at.written = cursor[4].as<ChangeNumber>();
          mark.cursors.push_back({cursor.at(0).as<std::string>(), cursor.at(1).as<std::uint64_t>(), at});
        }
        frame = std::move(mark);
        return true;
      }
      case static_cast<std::uint64_t>(Kind::Records):
        origins_.clear();
        for (auto& [index, name, run] : fields.at(2).as<std::vector<PackedOrigin>>()) {
          if (!protocol::is_name(name)) return false;
          origins_.push_back({index, std::move(name), run});
        }
        if (!read_records(fields.at(1).as<std::string_view>())) return false;
        frame = RecordsFrame{records_};
        return true;
      case static_cast<std::uint64_t>(Kind::Copy):
        if (head.format < kFirstFormatWithCopies) return false;
        frame = CopyFrame{fields.at(1).as<std::string>(), protocol::Nanoseconds(fields.at(2).as<std::int64_t>()),
                          fields.at(3).as<std::uint64_t>(), fields.at(4).as<std::uint64_t>()};
        return protocol::is_name(std::get<CopyFrame>(frame).node);
      default:
        return false;
    }
  } catch (const std::exception&) {  // from msgpack or vector::at: the payload is not one of this format
    return false;
  }
}

Frame FrameReader::next() {
  if (offset_ == text_.size()) return FramesEnd{offset_, sequence_};
  Head head;
  Frame frame;
  const bool intact = head_at(offset_, head) && head.sequence > sequence_;
  const auto format = format_at(text_.substr(offset_, kFrameMagic.size()));
  if (format && !is_readable(*format) && (intact || offset_ == 0)) return FramesForeign{*format};
  const bool readable = intact && head.sequence == sequence_ + 1 && read_payload(head, frame);
  if (!readable) {
    // A crash cannot leave an intact frame that is out of sequence, or that this version cannot read.
    if (intact || valid_frame_after(offset_)) return FramesDamaged{offset_};
    return FramesEnd{offset_, sequence_};
  }
  sequence_ = head.sequence;
  offset_ += kFrameHeadBytes + head.length;
  return frame;
}

}  // namespace herd::bus

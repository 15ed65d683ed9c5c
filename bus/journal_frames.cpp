#include "bus/journal_frames.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <msgpack.hpp>
#include <utility>

#include "bus/store.hpp"
#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {
namespace {

constexpr std::string_view kMagic = "HJ01";
constexpr std::size_t kHashedHeadBytes = kFrameHeadBytes - sizeof(std::uint64_t);

enum class Kind : std::uint8_t { Life = 1, Records = 2, Mark = 3 };

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t get(std::string_view text, std::size_t offset, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(text[offset + static_cast<std::size_t>(i)])} << (8 * i);
  }
  return value;
}

std::uint64_t hash(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

template <typename... Fields>
std::string packed(Kind kind, const Fields&... fields) {
  msgpack::sbuffer buffer(256);
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_array(sizeof...(fields) + 1);
  packer.pack(static_cast<std::uint8_t>(kind));
  (packer.pack(fields), ...);
  return {buffer.data(), buffer.size()};
}

using PackedCursor = std::tuple<std::string, std::uint64_t, ChangeNumber>;

}  // namespace

void FrameWriter::frame(std::string& out, std::string_view payload) {
  HERD_ASSERT(payload.size() <= kMaxFrameBytes);
  const std::size_t head = out.size();
  out.append(kMagic);
  put(out, payload.size(), 4);
  put(out, ++sequence_, 8);
  put(out, hash(payload), 8);
  put(out, hash(std::string_view(out).substr(head, kHashedHeadBytes)), 8);
  out.append(payload);
}

void FrameWriter::life(std::string& out, const LifeFrame& life) {
  frame(out, packed(Kind::Life, life.feed_id, life.base));
}

void FrameWriter::mark(std::string& out, const MarkFrame& mark) {
  std::vector<PackedCursor> cursors;
  cursors.reserve(mark.cursors.size());
  for (const PeerCursor& cursor : mark.cursors) cursors.emplace_back(cursor.peer, cursor.feed_id, cursor.cursor);
  frame(out, packed(Kind::Mark, mark.tail, cursors));
}

ChangeNumber FrameWriter::records(std::string& out, Feed::Reader& reader, const Store& store, std::size_t most) {
  protocol::BodyEncoder body;
  ChangeNumber first = 0;
  ChangeNumber last = 0;
  std::vector<std::uint64_t> steps;
  UpdateTexts texts;
  const auto flush = [&] {
    if (steps.empty()) return;
    frame(out, packed(Kind::Records, first, steps).append(body.finish()));
    steps.clear();
  };
  for (std::size_t count = 0; count < most; ++count) {
    const auto entry = reader.next();
    if (!entry) break;
    const protocol::Update update = store.update_at(entry->index, texts);
    if (steps.size() >= protocol::kMaxBatchUpdates || !body.add(update)) {
      flush();
      const bool added = body.size() > 0 || body.add(update);
      HERD_ASSERT(added);  // one update always fits an empty body
    }
    if (steps.empty()) first = last = entry->number;
    steps.push_back(entry->number - last);
    last = entry->number;
  }
  flush();
  return last;
}

bool FrameReader::head_at(std::size_t offset, Head& head) const {
  if (text_.size() - offset < kFrameHeadBytes || text_.substr(offset, kMagic.size()) != kMagic) return false;
  if (get(text_, offset + kHashedHeadBytes, 8) != hash(text_.substr(offset, kHashedHeadBytes))) return false;
  head.length = get(text_, offset + 4, 4);
  head.sequence = get(text_, offset + 8, 8);
  if (head.length > text_.size() - offset - kFrameHeadBytes) return false;
  return get(text_, offset + 16, 8) == hash(text_.substr(offset + kFrameHeadBytes, head.length));
}

bool FrameReader::valid_frame_behind(std::size_t offset) const {
  for (std::size_t at = text_.find(kMagic, offset + 1); at != std::string_view::npos; at = text_.find(kMagic, at + 1)) {
    Head head;
    if (head_at(at, head) && head.sequence > sequence_) return true;
  }
  return false;
}

bool FrameReader::read_payload(std::string_view payload, Frame& frame) {
  const msgpack::unpack_limit limit(protocol::kMaxBatchUpdates + 1, 0, protocol::kMaxNameBytes, 0, 0, 4);
  try {
    std::size_t used = 0;
    const msgpack::object_handle handle =
        msgpack::unpack(payload.data(), payload.size(), used, nullptr, nullptr, limit);
    const auto fields = handle.get().as<std::vector<msgpack::object>>();
    switch (fields.at(0).as<std::uint64_t>()) {
      case static_cast<std::uint64_t>(Kind::Life):
        frame = LifeFrame{fields.at(1).as<std::uint64_t>(), fields.at(2).as<ChangeNumber>()};
        return true;
      case static_cast<std::uint64_t>(Kind::Mark): {
        MarkFrame mark{fields.at(1).as<ChangeNumber>(), {}};
        for (auto& [peer, feed, cursor] : fields.at(2).as<std::vector<PackedCursor>>()) {
          mark.cursors.push_back({std::move(peer), feed, cursor});
        }
        frame = std::move(mark);
        return true;
      }
      case static_cast<std::uint64_t>(Kind::Records): {
        RecordsFrame records{{}, &body_};
        ChangeNumber number = fields.at(1).as<ChangeNumber>();
        for (const std::uint64_t step : fields.at(2).as<std::vector<std::uint64_t>>()) {
          records.numbers.push_back(number += step);
        }
        if (!protocol::decode_body(payload.substr(used), body_) || body_.unreadable > 0) return false;
        if (body_.updates.size() != records.numbers.size()) return false;
        frame = std::move(records);
        return true;
      }
      default:
        return false;
    }
  } catch (const std::exception&) {  // of msgpack or vector::at: the payload is another than its hash promised
    return false;
  }
}

Frame FrameReader::next() {
  if (offset_ == text_.size()) return FramesEnd{offset_, sequence_};
  Head head;
  Frame frame;
  const std::size_t payload = offset_ + kFrameHeadBytes;
  const bool whole = head_at(offset_, head) && head.sequence > sequence_;
  const bool readable =
      whole && head.sequence == sequence_ + 1 && read_payload(text_.substr(payload, head.length), frame);
  if (!readable) {
    // No crash leaves a whole frame that is not the next one, or that says what this version does not know.
    if (whole || valid_frame_behind(offset_)) return FramesDamaged{offset_};
    return FramesEnd{offset_, sequence_};
  }
  sequence_ = head.sequence;
  offset_ = payload + head.length;
  return frame;
}

}  // namespace herd::bus

// One client's record as bytes: a head of fixed size, the client's id, and a body of as few bytes as its numbers take.
// docs/decisions/0010-store-layout.md counts them. Pure.
//
// The body, lowest byte first, sizes as the head says:
//   number           4, 5, 6 or 8   in this node's feed
//   origin number    0, 4, 6 or 8   in the origin's feed; 0: it is the same
//   difference       4, 5, 6 or 8   with its sign
//   epoch            0 or 4         0: it is 0
//   time             8              in nanoseconds
// and then either, packed,
//   coordinates                     half a byte a character; the time's text is that of the time, in the head's form
// or, loose, where the coordinates have other characters or more than 63, or there are very many origins,
//   origin 4, coordinates' length 1, time text's length 1, both texts
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bus/store/origins.hpp"
#include "bus/store/packed_texts.hpp"
#include "bus/store/record.hpp"

namespace herd::bus {

// Index of a configured peer and of the link to it, from 0 in the order of the configuration. In a record: the link
// that it came by, or kFromClient if a client reported it to this node.
using PeerIndex = std::uint8_t;
inline constexpr PeerIndex kFromClient = 255;

// The peer's bit in a set of peers; a node has fewer than 64. kFromClient has none.
[[nodiscard]] constexpr std::uint64_t bit_of(PeerIndex peer) {
  return peer == kFromClient ? 0 : std::uint64_t{1} << (peer % 64);
}

struct RecordHead {
  std::uint64_t hash = 0;  // of the record (bus/store/digest.hpp): a change takes the old one out of the sums
  std::uint32_t form = 0;  // of the body: its layout in the lowest bits, and its size
  std::uint8_t client_bytes = 0;
  PeerIndex by = kFromClient;
  std::uint16_t origin = 0;  // where the body is packed

  static constexpr unsigned kLayoutBits = 22;
  static constexpr unsigned kSizeBits = 8;
  static constexpr std::uint32_t kOutgrown = std::uint32_t{1} << 31;  // the body does not stand behind the id

  // How a body is to be read: all that is needed where it is kept elsewhere.
  [[nodiscard]] std::uint32_t layout() const { return form & ((std::uint32_t{1} << kLayoutBits) - 1); }
  [[nodiscard]] std::size_t body_bytes() const { return form >> kLayoutBits & ((std::uint32_t{1} << kSizeBits) - 1); }
};
static_assert(sizeof(RecordHead) == 16);

// All of a record but its texts.
struct RecordFields {
  ChangeNumber number = 0;
  std::uint64_t origin_number = 0;
  protocol::Nanoseconds time{};
  protocol::Nanoseconds difference{};
  std::uint32_t epoch = 0;
  OriginIndex origin = 0;
};

struct RecordBody {
  // The longest is a loose one.
  static constexpr std::size_t kMaxBytes =
      3 * 8 + 4 + 8 + 4 + 2 + protocol::kMaxCoordinatesBytes + protocol::kMaxTimeBytes;
  // Bytes that may be read, and do not count, behind a body.
  static constexpr std::size_t kSlack = 8;

  std::array<char, kMaxBytes + kSlack> bytes;
  std::size_t size = 0;
};
static_assert(RecordBody::kMaxBytes < std::size_t{1} << RecordHead::kSizeBits);

// Fills body, form and origin of the head. The time must be what its text says, and the texts have at most the bytes
// that protocol/limits.hpp allows.
void pack_record(const RecordFields& fields, std::string_view coordinates, std::string_view time_text, RecordHead& head,
                 RecordBody& body);

// How long the body of this layout is that stands at the front of these bytes, which may be anybody's. Nothing where
// they are too few, say of a text that it is longer than any is, or the layout has bits of none.
[[nodiscard]] std::optional<std::size_t> read_body_bytes(std::uint32_t layout, std::string_view bytes);

[[nodiscard]] OriginIndex packed_origin(const RecordHead& head, const char* body);
[[nodiscard]] ChangeNumber packed_number(const RecordHead& head, const char* body);
[[nodiscard]] RecordFields unpack_fields(const RecordHead& head, const char* body);
// The same, and the texts.
[[nodiscard]] RecordFields unpack_record(const RecordHead& head, const char* body, CoordinatesText& coordinates,
                                         TimeText& time_text);

}  // namespace herd::bus

// A record as bytes: a head of fixed size, the client's id, and a body with numbers of variable size. The journal
// stores the same body. docs/decisions/0010-store-layout.md counts the bytes and gives the reasons. Pure.
//
// The body: integers are little-endian; the head states their sizes in bytes.
//   number           4, 5, 6 or 8   change number in this node's feed
//   origin number    0, 4, 6 or 8   change number in the origin's feed; 0 bytes: the same as `number`
//   difference       4, 5, 6 or 8   nanoseconds, signed (zigzag)
//   epoch            0 or 4         0 bytes: the epoch is 0
//   time             8              nanoseconds since 1970
// Then, in the packed form:
//   coordinates                     4 bits per character; the time's text is computed from the time and head.form
// Or in the loose form, for coordinates with other characters or more than 63 of them, and for an origin index above
// 65,535:
//   origin 4, length of coordinates 1, length of time text 1, both texts
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

// The number of the link to a peer. A removed peer's number is given out again (docs/PROTOCOL.md, rule 29). In a
// record: the link by which the record came, or kFromClient if a client reported it to this node. The link with that
// number may be to another peer by now.
using PeerIndex = std::uint8_t;
inline constexpr PeerIndex kFromClient = 255;

// The peer's bit in a set of peers; a node has fewer than 64 peers. 0 for kFromClient.
[[nodiscard]] constexpr std::uint64_t bit_of(PeerIndex peer) {
  return peer == kFromClient ? 0 : std::uint64_t{1} << (peer % 64);
}

struct RecordHead {
  std::uint64_t hash = 0;         // of the record (bus/store/digest.hpp); a change subtracts it from the sums
  std::uint32_t form = 0;         // of the body: its layout in the lowest kLayoutBits, then its size, then kOutgrown
  std::uint8_t client_bytes = 0;  // length of the id
  PeerIndex by = kFromClient;     // the link by which the record came
  std::uint16_t origin = 0;       // OriginIndex, if the body is packed

  static constexpr unsigned kLayoutBits = 22;
  static constexpr unsigned kSizeBits = 8;
  static constexpr std::uint32_t kOutgrown = std::uint32_t{1} << 31;  // the body is not in the cell, after the id

  // The layout of the body: all that a reader needs where the body is stored elsewhere, as in the journal.
  [[nodiscard]] std::uint32_t layout() const { return form & ((std::uint32_t{1} << kLayoutBits) - 1); }
  [[nodiscard]] std::size_t body_bytes() const { return form >> kLayoutBits & ((std::uint32_t{1} << kSizeBits) - 1); }
};
static_assert(sizeof(RecordHead) == 16);

// The fields of a record without its texts.
struct RecordFields {
  ChangeNumber number = 0;
  std::uint64_t origin_number = 0;
  protocol::Nanoseconds time{};
  protocol::Nanoseconds difference{};
  std::uint32_t epoch = 0;
  OriginIndex origin = 0;
};

struct RecordBody {
  // Of the longest body, a loose one.
  static constexpr std::size_t kMaxBytes =
      3 * 8 + 4 + 8 + 4 + 2 + protocol::kMaxCoordinatesBytes + protocol::kMaxTimeBytes;
  // Readable bytes after a body, which readers may load and ignore: they read whole words.
  static constexpr std::size_t kSlack = 8;

  std::array<char, kMaxBytes + kSlack> bytes;
  std::size_t size = 0;
};
static_assert(RecordBody::kMaxBytes < std::size_t{1} << RecordHead::kSizeBits);

// Writes `body`, and `form` and `origin` of the head. fields.time must be the value of time_text. The texts must not
// exceed kMaxCoordinatesBytes and kMaxTimeBytes (protocol/limits.hpp); longer ones fail an assertion.
void pack_record(const RecordFields& fields, std::string_view coordinates, std::string_view time_text, RecordHead& head,
                 RecordBody& body);

// The size of the body with this layout at the start of `bytes`. Both may be untrusted input. Returns nullopt if
// `bytes` is too short, if a text's length exceeds its limit, or if the layout has undefined bits.
[[nodiscard]] std::optional<std::size_t> read_body_bytes(std::uint32_t layout, std::string_view bytes);

// These read a body that pack_record() wrote, or a body that read_body_bytes() accepted. RecordBody::kSlack bytes
// after the body must be readable.
[[nodiscard]] OriginIndex packed_origin(const RecordHead& head, const char* body);
[[nodiscard]] ChangeNumber packed_number(const RecordHead& head, const char* body);
// The point of the coordinates; nullopt if there are none, because the record is a reset.
[[nodiscard]] std::optional<protocol::Point> packed_point(const RecordHead& head, const char* body);
[[nodiscard]] RecordFields unpack_fields(const RecordHead& head, const char* body);
// The same, with the texts.
[[nodiscard]] RecordFields unpack_record(const RecordHead& head, const char* body, CoordinatesText& coordinates,
                                         TimeText& time_text);

}  // namespace herd::bus

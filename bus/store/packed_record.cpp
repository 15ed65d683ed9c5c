#include "bus/store/packed_record.hpp"

#include <bit>
#include <limits>

#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"

namespace herd::bus {
namespace {

using protocol::Nanoseconds;

// RecordHead::form, from the lowest bit. The layout: length of the coordinates (6 bits), digits of the time's text
// before and after the point (4 + 4), loose (1), a size code for number, origin number and difference (2 each), has
// epoch (1). Then the size of the body, and in the highest bit kOutgrown.
constexpr unsigned kWholeShift = 6;
constexpr unsigned kFractionShift = kWholeShift + 4;
constexpr unsigned kLooseShift = kFractionShift + 4;
constexpr unsigned kNumberShift = kLooseShift + 1;
constexpr unsigned kOriginNumberShift = kNumberShift + 2;
constexpr unsigned kDifferenceShift = kOriginNumberShift + 2;
constexpr std::uint32_t kCharacters = (std::uint32_t{1} << kWholeShift) - 1;
constexpr std::uint32_t kLoose = std::uint32_t{1} << kLooseShift;
constexpr std::uint32_t kHasEpoch = std::uint32_t{1} << (kDifferenceShift + 2);
static_assert(kHasEpoch << 1 == std::uint32_t{1} << RecordHead::kLayoutBits);
static_assert(RecordHead::kOutgrown >> RecordHead::kLayoutBits >= 1U << RecordHead::kSizeBits);

using Sizes = std::array<std::uint8_t, 4>;
constexpr Sizes kSizes{4, 5, 6, 8};
constexpr Sizes kOriginNumberSizes{0, 4, 6, 8};

// The bytes of all numbers before the texts.
std::size_t numbers_bytes(std::uint32_t form) {
  return std::size_t{kSizes[form >> kNumberShift & 3]} + kOriginNumberSizes[form >> kOriginNumberShift & 3] +
         kSizes[form >> kDifferenceShift & 3] + ((form & kHasEpoch) != 0 ? 4 : 0) + 8;
}

// Maps the bytes that a value needs (0 to 8) to the code of the first size that holds it.
using SizeCodes = std::array<std::uint8_t, 9>;
constexpr SizeCodes codes_of(const Sizes& sizes) {
  SizeCodes codes{};
  for (std::size_t bytes = 0; bytes < codes.size(); ++bytes) {
    while (sizes[codes[bytes]] < bytes) ++codes[bytes];
  }
  return codes;
}
constexpr SizeCodes kSizeCodes = codes_of(kSizes);
constexpr SizeCodes kOriginNumberCodes = codes_of(kOriginNumberSizes);

std::uint32_t size_code(const SizeCodes& codes, std::uint64_t value) {
  return codes[(static_cast<std::size_t>(std::bit_width(value)) + 7) / 8];
}

// Zigzag: the sign becomes the lowest bit, so that small values of either sign need few bytes.
std::uint64_t without_sign(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t with_sign(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

std::uint32_t size_in_form(std::size_t body_bytes) {
  return static_cast<std::uint32_t>(body_bytes) << RecordHead::kLayoutBits;
}

class Writer {
 public:
  explicit Writer(RecordBody& body) : body_(body) { body.size = 0; }
  void number(std::uint64_t value, std::size_t bytes) {
    protocol::put_number(body_.bytes.data() + body_.size, value, bytes);
    body_.size += bytes;
  }
  void text(std::string_view text) {
    body_.size += text.copy(body_.bytes.data() + body_.size, text.size());  // unlike memcpy, allows data() to be null
  }
  [[nodiscard]] bool coordinates(std::string_view text) {
    if (!pack_coordinates(text, body_.bytes.data() + body_.size)) return false;
    body_.size += packed_bytes(text.size());
    return true;
  }

 private:
  RecordBody& body_;
};

class Reader {
 public:
  explicit Reader(const char* body) : at_(body) {}
  std::uint64_t number(std::size_t bytes) {
    at_ += bytes;
    return protocol::number_at(at_ - bytes, bytes);
  }
  std::string_view text(std::size_t bytes) {
    at_ += bytes;
    return {at_ - bytes, bytes};
  }
  [[nodiscard]] const char* at() const { return at_; }

 private:
  const char* at_;
};

RecordFields take_fields(const RecordHead& head, Reader& reader) {
  RecordFields fields;
  fields.number = reader.number(kSizes[head.form >> kNumberShift & 3]);
  const std::size_t origin_bytes = kOriginNumberSizes[head.form >> kOriginNumberShift & 3];
  fields.origin_number = origin_bytes == 0 ? fields.number : reader.number(origin_bytes);
  fields.difference = Nanoseconds{with_sign(reader.number(kSizes[head.form >> kDifferenceShift & 3]))};
  if ((head.form & kHasEpoch) != 0) fields.epoch = static_cast<std::uint32_t>(reader.number(4));
  fields.time = Nanoseconds{static_cast<std::int64_t>(reader.number(8))};
  fields.origin = (head.form & kLoose) != 0 ? static_cast<OriginIndex>(reader.number(4)) : head.origin;
  return fields;
}

}  // namespace

void pack_record(const RecordFields& fields, std::string_view coordinates, std::string_view time_text, RecordHead& head,
                 RecordBody& body) {
  HERD_ASSERT(coordinates.size() <= protocol::kMaxCoordinatesBytes && time_text.size() <= protocol::kMaxTimeBytes);
  const std::uint64_t difference = without_sign(fields.difference.count());
  const std::uint32_t number_code = size_code(kSizeCodes, fields.number);
  // 0 bytes mean "the same as number". So an origin number of 0 that differs from it gets 4 bytes: hence `| 1`.
  const std::uint32_t origin_code =
      fields.origin_number == fields.number ? 0 : size_code(kOriginNumberCodes, fields.origin_number | 1);
  const std::uint32_t difference_code = size_code(kSizeCodes, difference);
  head.form = number_code << kNumberShift | origin_code << kOriginNumberShift | difference_code << kDifferenceShift |
              (fields.epoch != 0 ? kHasEpoch : 0);
  head.origin = static_cast<std::uint16_t>(fields.origin);

  Writer writer(body);
  writer.number(fields.number, kSizes[number_code]);
  writer.number(fields.origin_number, kOriginNumberSizes[origin_code]);
  writer.number(difference, kSizes[difference_code]);
  if (fields.epoch != 0) writer.number(fields.epoch, 4);

  writer.number(static_cast<std::uint64_t>(fields.time.count()), 8);

  const auto form = form_of(time_text);
  const bool can_count = coordinates.size() <= kCharacters;  // 6 bits of the layout
  if (form && fields.origin == head.origin && can_count && writer.coordinates(coordinates)) {
    head.form |= static_cast<std::uint32_t>(coordinates.size()) | form->whole << kWholeShift |
                 form->fraction << kFractionShift | size_in_form(body.size);
    return;
  }
  head.form |= kLoose;
  writer.number(fields.origin, 4);
  writer.number(coordinates.size(), 1);
  writer.number(time_text.size(), 1);
  writer.text(coordinates);
  writer.text(time_text);
  head.form |= size_in_form(body.size);
}

std::optional<std::size_t> read_body_bytes(std::uint32_t layout, std::string_view bytes) {
  constexpr std::size_t kLooseHeadBytes = 4 + 1 + 1;
  if (layout >> RecordHead::kLayoutBits != 0) return std::nullopt;
  std::size_t size = numbers_bytes(layout);
  if ((layout & kLoose) == 0) {
    static_assert(kCharacters <= protocol::kMaxCoordinatesBytes);
    size += packed_bytes(layout & kCharacters);
  } else {
    if (bytes.size() < size + kLooseHeadBytes) return std::nullopt;
    const auto coordinates = static_cast<unsigned char>(bytes[size + 4]);
    const auto time_text = static_cast<unsigned char>(bytes[size + 5]);
    if (coordinates > protocol::kMaxCoordinatesBytes || time_text > protocol::kMaxTimeBytes) return std::nullopt;
    size += kLooseHeadBytes + coordinates + time_text;
  }
  return size <= bytes.size() ? std::optional(size) : std::nullopt;
}

OriginIndex packed_origin(const RecordHead& head, const char* body) {
  if ((head.form & kLoose) == 0) return head.origin;
  return static_cast<OriginIndex>(Reader(body + numbers_bytes(head.form)).number(4));
}

ChangeNumber packed_number(const RecordHead& head, const char* body) {
  return Reader(body).number(kSizes[head.form >> kNumberShift & 3]);
}

std::optional<protocol::Point> packed_point(const RecordHead& head, const char* body) {
  Reader reader(body + numbers_bytes(head.form));
  if ((head.form & kLoose) == 0) {
    const std::size_t characters = head.form & kCharacters;
    return characters == 0 ? std::nullopt : std::optional(packed_point(reader.at(), characters));
  }
  (void)reader.number(4);  // the origin
  const std::size_t characters = reader.number(1);
  (void)reader.number(1);
  return characters == 0 ? std::nullopt : std::optional(protocol::point_of(reader.text(characters)));
}

RecordFields unpack_fields(const RecordHead& head, const char* body) {
  Reader reader(body);
  return take_fields(head, reader);
}

RecordFields unpack_record(const RecordHead& head, const char* body, CoordinatesText& coordinates,
                           TimeText& time_text) {
  Reader reader(body);
  const RecordFields fields = take_fields(head, reader);
  if ((head.form & kLoose) == 0) {
    unpack_coordinates(reader.at(), head.form & kCharacters, coordinates);
    write_time(fields.time, {head.form >> kWholeShift & 15, head.form >> kFractionShift & 15}, time_text);
    return fields;
  }
  const std::size_t coordinates_bytes = reader.number(1);
  const std::size_t time_bytes = reader.number(1);
  coordinates = reader.text(coordinates_bytes);
  time_text = reader.text(time_bytes);
  return fields;
}

}  // namespace herd::bus

#include "protocol/sums.hpp"

#include <msgpack.hpp>

#include "protocol/byte_order.hpp"

namespace herd::protocol {
namespace {

constexpr std::uint32_t kFields = 2;  // [sums, bits]
constexpr std::uint32_t kSumsBytes = kBuckets * 8;
constexpr std::uint32_t kBitsBytes = kBuckets / 8;

bool is_bytes(const msgpack::object& object, std::uint32_t size) {
  return object.type == msgpack::type::BIN && object.via.bin.size == size;
}

}  // namespace

std::string encode_sums(const Sums& sums) {
  std::string of(kSumsBytes, '\0');
  char* end = of.data();
  for (const std::uint64_t sum : sums.of) end = put_little_endian(end, sum);
  std::string bits(kBitsBytes, '\0');
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    if (sums.unsettled[bucket]) bits[bucket / 8] = static_cast<char>(bits[bucket / 8] | 1 << (bucket % 8));
  }
  msgpack::sbuffer buffer(kSumsBytes + kBitsBytes + 16);
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_array(kFields);
  for (const std::string& bytes : {of, bits}) {
    packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  }
  return {buffer.data(), buffer.size()};
}

Result<void> decode_sums(std::string_view frame, Sums& into) {
  const msgpack::unpack_limit limit(1024, 64, 1024, kMaxMessageBytes, 0, 8);
  try {
    std::size_t offset = 0;
    // The library need not copy the bytes: the frame outlives the handle.
    const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
    const msgpack::object_handle handle = msgpack::unpack(frame.data(), frame.size(), offset, refer, nullptr, limit);
    if (offset != frame.size()) return fail("there are trailing bytes after the sums");
    const msgpack::object& object = handle.get();
    if (object.type != msgpack::type::ARRAY || object.via.array.size < kFields ||
        !is_bytes(object.via.array.ptr[0], kSumsBytes) || !is_bytes(object.via.array.ptr[1], kBitsBytes)) {
      return fail("the frame does not contain the sums of " + std::to_string(kBuckets) + " buckets");
    }
    const char* const of = object.via.array.ptr[0].via.bin.ptr;
    const char* const bits = object.via.array.ptr[1].via.bin.ptr;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      into.of[bucket] = little_endian_at<std::uint64_t>(of + bucket * 8);
      into.unsettled[bucket] = (static_cast<unsigned char>(bits[bucket / 8]) >> (bucket % 8) & 1) != 0;
    }
    return {};
  } catch (const msgpack::unpack_error&) {
    return fail("the sums are not valid msgpack within the limits");
  }
}

}  // namespace herd::protocol

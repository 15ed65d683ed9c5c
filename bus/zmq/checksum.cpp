#include "bus/zmq/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>

#include "protocol/byte_order.hpp"

namespace herd::bus {

Checksum checksum_of(std::string_view header, std::optional<std::string_view> body) {
  std::uint64_t hash = XXH3_64bits(header.data(), header.size());
  if (body) hash = XXH3_64bits_withSeed(body->data(), body->size(), hash);
  Checksum checksum;
  protocol::put_little_endian(checksum.data(), hash);
  return checksum;
}

}  // namespace herd::bus

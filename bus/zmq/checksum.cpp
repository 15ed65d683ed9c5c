#include "bus/zmq/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>

namespace herd::bus {

Checksum checksum_of(std::string_view header, std::optional<std::string_view> body) {
  std::uint64_t hash = XXH3_64bits(header.data(), header.size());
  if (body) hash = XXH3_64bits_withSeed(body->data(), body->size(), hash);
  Checksum checksum;
  for (std::size_t i = 0; i < checksum.size(); ++i) checksum[i] = static_cast<char>(hash >> (8 * i));
  return checksum;
}

}  // namespace herd::bus

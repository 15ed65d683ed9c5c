// A message between the loop and the places worker, of any bytes: a query or answer that was read is within its bounds
// and can be encoded and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/places/messages.hpp"
#include "protocol/assert.hpp"

using namespace herd::node::places;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto query = decode_query(bytes)) {
    HERD_ASSERT(is_askable(query->query));
    const std::string encoded = encode(*query).to_string();
    HERD_ASSERT(encoded.size() <= kMaxQueryMessageBytes && decode_query(encoded) &&
                encode(*decode_query(encoded)).to_string_view() == encoded);
    HERD_ASSERT(!decode_answer(encoded));
  }
  if (const auto answer = decode_answer(bytes)) {
    static MessageBuffers buffers;
    const std::string encoded = encode(*answer, buffers).to_string();
    HERD_ASSERT(encoded.size() <= kMaxPlacesMessageBytes && decode_answer(encoded) &&
                encode(*decode_answer(encoded), buffers).to_string_view() == encoded);
  }
  return 0;
}

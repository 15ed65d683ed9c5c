// A message between the loop and the places worker: what can be read is within the bounds, and can be said again.
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
    const std::string said = encode(*query).to_string();
    HERD_ASSERT(said.size() <= kMaxQueryMessageBytes && decode_query(said) &&
                encode(*decode_query(said)).to_string_view() == said);
    HERD_ASSERT(!decode_answer(said));
  }
  if (const auto answer = decode_answer(bytes)) {
    static MessageBuffers buffers;
    const std::string said = encode(*answer, buffers).to_string();
    HERD_ASSERT(said.size() <= kMaxPlacesMessageBytes && decode_answer(said) &&
                encode(*decode_answer(said), buffers).to_string_view() == said);
  }
  return 0;
}

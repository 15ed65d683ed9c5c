// A header of any bytes: a message that was read can be encoded, and the result is read as the same message.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/name.hpp"

using namespace herd::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = decode({reinterpret_cast<const char*>(data), size});
  if (!message) {
    HERD_ASSERT(!message.error().message.empty());
    return 0;
  }
  if (const auto* hello = std::get_if<Hello>(&*message)) {
    HERD_ASSERT(is_name(hello->herd) && is_name(hello->node));
  } else if (const auto* batch = std::get_if<Batch>(&*message)) {
    HERD_ASSERT(batch->from <= batch->to);
  } else if (const auto* pull = std::get_if<Pull>(&*message)) {
    HERD_ASSERT(!pull->buckets.empty() && pull->buckets.size() <= kMaxPulledBuckets);
    for (const std::uint32_t bucket : pull->buckets) HERD_ASSERT(bucket < kBuckets);
  }
  if (std::holds_alternative<UnknownMessage>(*message)) return 0;
  const std::string encoded = encode(*message);
  const auto again = decode(encoded);
  HERD_ASSERT(again && again->index() == message->index() && encode(*again) == encoded);
  return 0;
}

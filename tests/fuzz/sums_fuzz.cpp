// A frame of sums of any bytes: sums that were read can be encoded, and the result is read as the same sums.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/sums.hpp"

using namespace herd::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto sums = std::make_unique<Sums>();
  const auto read = decode_sums({reinterpret_cast<const char*>(data), size}, *sums);
  if (!read) {
    HERD_ASSERT(!read.error().message.empty());
    return 0;
  }
  const auto again = std::make_unique<Sums>();
  const auto read_again = decode_sums(encode_sums(*sums), *again);
  HERD_ASSERT(read_again && again->of == sums->of && again->unsettled == sums->unsettled);
  return 0;
}

// The cursor after `after=`: only texts that a node gave are cursors, and their places are within bounds. Almost no
// drawn text has a right checksum, so the input is also taken as the bytes of a place.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/area/cursor_text.hpp"
#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"
#include "protocol/limits.hpp"
#include "protocol/query_operands.hpp"

using namespace herd::node::area;
using herd::protocol::kMaxClientBytes;

namespace {

constexpr QueryHash kQuery = 42;

void check_text(std::string_view text) {
  if (const auto near = read_near_cursor(kQuery, text)) {
    HERD_ASSERT(cursor_text(kQuery, *near) == text);
    HERD_ASSERT(!*near || ((*near)->distance >= 0 && (*near)->client.size() <= kMaxClientBytes));
  }
  if (const auto within = read_within_cursor(kQuery, text)) {
    HERD_ASSERT(cursor_text(kQuery, *within) == text);
    HERD_ASSERT(!*within || (*within)->client.size() <= kMaxClientBytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_text(input);
  if (size < 9) return 0;
  const auto number = herd::protocol::little_endian_at<std::uint64_t>(input.data() + 1);
  const std::string client(input.substr(9, kMaxClientBytes));
  const WithinPlace within{{data[0], number}, client};
  const NearPlace near{static_cast<herd::protocol::Millimetres>(number), client};
  for (const std::string& text :
       {cursor_text(kQuery, std::optional(within)), cursor_text(kQuery, std::optional(near))}) {
    HERD_ASSERT(herd::protocol::parse_cursor(text));
    check_text(text);
    check_text(text.substr(1));
  }
  HERD_ASSERT(read_within_cursor(kQuery, cursor_text(kQuery, std::optional(within))));
  HERD_ASSERT(!read_within_cursor(kQuery + 1, cursor_text(kQuery, std::optional(within))));
  return 0;
}

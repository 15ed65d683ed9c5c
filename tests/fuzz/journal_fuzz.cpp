// A journal of any bytes: it is recovered or refused, and what is recovered can be written again and means the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bus/keeper.hpp"
#include "bus/recovery.hpp"
#include "protocol/assert.hpp"

using namespace herd::bus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto memory = recover(text, 1, 1);
  if (!memory) {
    HERD_ASSERT(!memory.error().message.empty());
    return 0;
  }
  HERD_ASSERT(memory->valid_bytes <= size && memory->cursor == memory->store.feed().tail());
  HERD_ASSERT(memory->store.size() <= memory->records);
  // What was cut off takes nothing away from what stands before it.
  const auto prefix = recover(text.substr(0, memory->valid_bytes), 1, 1);
  HERD_ASSERT(prefix && prefix->store.digest() == memory->store.digest());
  Keeper keeper(memory->life, memory->cursor, memory->sequence);
  std::string copy = keeper.begin_copy();
  copy += keeper.finish_copy(memory->store, memory->cursors);
  const auto again = recover(copy, 1, 1);
  HERD_ASSERT(again && again->store.digest() == memory->store.digest() && again->cursors == memory->cursors);
  return 0;
}

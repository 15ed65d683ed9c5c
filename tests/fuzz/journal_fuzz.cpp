// A journal of any bytes: it is recovered or refused, and a recovered state, written to a new journal, is recovered
// again unchanged.
//
// Nearly every change of a byte makes a hash wrong, and the code after the checks would never run. So the mutator turns
// half of its outputs into valid frames again.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "bus/journal/journal_planner.hpp"
#include "bus/journal/recovery.hpp"
#include "protocol/assert.hpp"

using namespace herd::bus;

// libFuzzer's own mutations; a replay of the corpus has none.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

void put(char* to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

// Turns the bytes into a sequence of frames with correct magic, sequence number and hashes. The length in a frame's
// head counts where it fits; else it is replaced.
void make_frames(char* data, std::size_t size) {
  constexpr std::size_t kMostPayload = 600;
  std::uint64_t sequence = 0;
  for (std::size_t at = 0; size - at > kFrameHeadBytes;) {
    char* const head = data + at;
    const std::size_t left = size - at - kFrameHeadBytes;
    std::uint32_t length = 0;
    std::memcpy(&length, head + 4, sizeof length);
    if (length == 0 || length > left) length = static_cast<std::uint32_t>(std::min(left, kMostPayload));
    kFrameMagic.copy(head, kFrameMagic.size());
    put(head + 4, length, 4);
    put(head + 8, ++sequence, 8);
    put(head + 16, XXH3_64bits(head + kFrameHeadBytes, length), 8);
    put(head + 24, XXH3_64bits(head, 24), 8);
    at += kFrameHeadBytes + length;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
  const std::size_t mutated = LLVMFuzzerMutate(data, size, most);
  if (seed % 2 == 0) make_frames(reinterpret_cast<char*>(data), mutated);
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto state = recover(text, 1, 1);
  if (!state) {
    HERD_ASSERT(!state.error().message.empty());
    return 0;
  }
  HERD_ASSERT(state->valid_bytes <= size && state->cursor == state->store.feed().tail());
  HERD_ASSERT(state->store.size() <= state->records);
  // The text without the torn tail must give the same records.
  const auto prefix = recover(text.substr(0, state->valid_bytes), 1, 1);
  HERD_ASSERT(prefix && prefix->store.digest() == state->store.digest());
  // The last run for which there are change numbers leaves a journal that is refused.
  if (state->run.base > std::numeric_limits<ChangeNumber>::max() - 2 * kRunGap) return 0;
  JournalPlanner planner(state->run, state->runs, state->cursor, state->sequence);
  std::string compacted = planner.begin_compaction();
  compacted += planner.finish_compaction(state->store, state->cursors);
  const auto again = recover(compacted, 1, 1);
  HERD_ASSERT(again && again->store.digest() == state->store.digest() && again->cursors == state->cursors);
  return 0;
}

// What a node knows when it starts: the store that its journal brings back, or an empty one. Pure; the text of the
// journal comes from node/journal/journal.hpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bus/journal/journal_frames.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"
#include "protocol/result.hpp"

namespace herd::bus {

struct RecoveredState {
  Store store;                      // its feed's tail is the new life's base
  RunFrame run;                     // of the run that begins, without its incarnation
  Runs runs;                        // the earlier ones of this feed
  ChangeNumber cursor = 0;          // the base: all that the journal holds lies below
  std::vector<PeerCursor> cursors;  // of the peers' feeds, as kept
  std::uint64_t sequence = 0;       // of the last frame
  std::size_t valid_bytes = 0;      // of the text; what stands behind it is a torn tail, to be cut off
  std::size_t records = 0;          // read, superseded ones included
};

// Nothing is known: a new feed begins.
[[nodiscard]] RecoveredState empty_state(std::uint64_t feed_id, std::uint64_t hash_seed);

// The text begins as a journal of this program does, in a format that this release does not read.
[[nodiscard]] bool is_of_another_release(std::string_view text);

// Reads a journal. Its records come back without their identities: those of an old run are worth little, and each
// would need room in every seen-set. An empty text is a fresh memory with `feed_id`. An Error if the text is damaged in
// its middle, or is no journal: then nothing of it can be relied on.
[[nodiscard]] protocol::Result<RecoveredState> recover(std::string_view text, std::uint64_t feed_id,
                                                       std::uint64_t hash_seed);

}  // namespace herd::bus

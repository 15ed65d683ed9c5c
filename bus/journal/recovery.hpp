// Recovery: what a node begins with when it starts, read from the text of its journal. Pure; bus/loop/journal.hpp
// reads the file. Called once, before the replica is made from the result.
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
  Store store;                      // the recovered records; the tail of its feed is the base of the new run
  RunFrame run;                     // the run that begins; the caller sets its incarnation
  Runs runs;                        // the earlier runs of this feed
  ChangeNumber cursor = 0;          // the new run's base: the journal contains all changes up to it
  std::vector<PeerCursor> cursors;  // positions in the peers' feeds, from the last commit mark
  std::uint64_t sequence = 0;       // of the journal's last frame
  std::size_t valid_bytes = 0;      // the bytes of the text after these are a torn tail, which the caller must cut off
  std::size_t records = 0;          // records read, superseded ones included
};

// The state of a node without a journal: no records, and a new feed with this id. `hash_seed`: as in Store.
[[nodiscard]] RecoveredState empty_state(std::uint64_t feed_id, std::uint64_t hash_seed);

// Whether the text is a journal in another version of the format, which this release cannot read.
[[nodiscard]] bool is_of_another_release(std::string_view text);

// Reads a journal. The records are restored with run 0, that is, without identities: identities of an earlier run are
// of little use, and each run would occupy space in every seen-set. An empty text, and one that ends within its first
// frame, give empty_state() with `feed_id`; other texts contain their own feed id. Returns an Error if the text is
// damaged before its end, or is not a journal: then none of it can be trusted.
[[nodiscard]] protocol::Result<RecoveredState> recover(std::string_view text, std::uint64_t feed_id,
                                                       std::uint64_t hash_seed);

}  // namespace herd::bus

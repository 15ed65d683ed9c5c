// Recovery: what a node begins with when it starts, read from the text of its journal. Pure; bus/loop/journal.hpp
// reads the file. Called once, before the replica is made from the result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "bus/journal/journal_frames.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"

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
  std::optional<CopyFrame> copy;    // the text is a copy of a journal, and no node has continued it: the feed is new
};

// Why a text cannot be recovered.
struct RecoveryError {
  std::string message;                 // one line, as of protocol::Error
  bool is_of_another_release = false;  // else it is damaged, or no journal
};

// The state of a node without a journal: no records, and a new feed with this id. `hash_seed`: as in Store.
[[nodiscard]] RecoveredState empty_state(std::uint64_t feed_id, std::uint64_t hash_seed);

// Reads a journal. The records are restored with run 0, that is, without identities: identities of an earlier run are
// of little use, and each run would occupy space in every seen-set. An empty text, and one that ends within its first
// frame, give empty_state() with `feed_id`. So does a copy of a journal, but with the copy's records, change
// numbers and positions. Other texts contain their own feed id. Returns an error if the text is damaged before its end,
// is a copy without its end, is in a format of another release, or is not a journal: then none of it can be trusted,
// and nothing of it may be changed.
[[nodiscard]] tl::expected<RecoveredState, RecoveryError> recover(std::string_view text, std::uint64_t feed_id,
                                                                  std::uint64_t hash_seed);

}  // namespace herd::bus

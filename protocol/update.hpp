// An update: one report of a client's location, as nodes send it to each other. It does not own its texts: the views
// point into the store, a received frame or a client's line.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/clock.hpp"

namespace herd::protocol {

// The identity of an update, the same on every node: the node that accepted it, the run of that node, and its change
// number there. No two updates have the same identity, also if a node's journal is lost or restored from a backup: each
// start of a node draws a new run at random.
struct UpdateId {
  std::string_view origin;  // the node that the client reported to; 1 to kMaxNameBytes bytes
  std::uint64_t run =
      0;  // the origin's incarnation at that time; 0: the update was read from a journal and has no identity
  std::uint64_t number = 0;  // the origin's change number, from 1
};

struct Update {
  UpdateId id;
  std::uint32_t epoch = 0;       // the number of times an operator has reset this client
  std::string_view client;       // 1 to kMaxClientBytes bytes, as the client wrote it
  std::string_view coordinates;  // as the client wrote it
  std::string_view time_text;    // as the client wrote it
  Nanoseconds time{};            // the value of time_text, since 1970
  Nanoseconds difference{};      // the origin's clock minus `time`
};

}  // namespace herd::protocol

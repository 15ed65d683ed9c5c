// One location of one client as nodes tell it to each other. The views belong to whoever holds the bytes: the store, a
// received frame, a client's line.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/clock.hpp"

namespace herd::protocol {

// Which node accepted an update, in which of its runs, under which number there: the same wherever it is seen. No two
// updates have the same identity, also if a node's journal is lost or an old copy of it is put back: each start draws
// a new run.
struct UpdateId {
  std::string_view origin;  // the node that was told; 1 to kMaxNameBytes bytes
  std::uint64_t run =
      0;  // that node's incarnation at the time; 0: the update was read from a journal, and has no identity
  std::uint64_t number = 0;  // that node's change number for it, from 1
};

struct Update {
  UpdateId id;
  std::uint32_t epoch = 0;       // how often an operator has reset this client
  std::string_view client;       // 1 to kMaxClientBytes bytes, as the client wrote it
  std::string_view coordinates;  // as the client wrote it
  std::string_view time_text;    // as the client wrote it
  Nanoseconds time{};            // what time_text says
  Nanoseconds difference{};      // the origin's clock minus `time`
};

}  // namespace herd::protocol

// The texts of an update that somebody else has said: a peer, or an old journal. They go through what clients' texts go
// through, so that no node holds what another would refuse. Pure.
#pragma once

#include "protocol/update.hpp"

namespace herd::bus {

// Reads the time's text into update.time. False if any text, or the number, is none that a client, or an operator's
// reset of one, could have led to.
[[nodiscard]] bool read_texts(protocol::Update& update);

}  // namespace herd::bus

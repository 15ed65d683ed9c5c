// Validates the texts of an update that comes from a peer or from a journal. The rules are those for clients' commands,
// so no node stores an update that another node would refuse. Pure.
#pragma once

#include "protocol/update.hpp"

namespace herd::bus {

// Parses update.time_text into update.time. Returns false if a text or the change number is one that neither a client's
// report nor an operator's reset could have produced.
[[nodiscard]] bool read_texts(protocol::Update& update);

}  // namespace herd::bus

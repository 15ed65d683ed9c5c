// Puts the figures of queries and watches into the status. Pure; loop thread.
#pragma once

#include "node/clients/asking.hpp"
#include "node/observe/asking_status.hpp"

namespace herd::node {

[[nodiscard]] AskingStatus status_of(const Asking& asking);

}  // namespace herd::node

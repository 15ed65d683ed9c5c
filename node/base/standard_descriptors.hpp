// Descriptors 0, 1 and 2 as a node needs them. Main thread, at the start.
#pragma once

#include "protocol/result.hpp"

namespace herd::node {

// Opens each of the three that is closed on /dev/null. Called before anything else opens a descriptor: that would get
// the number of a closed one, and what is meant for standard error would be written into a lock file or to a client.
// Fails if there is neither /dev/null nor /.
[[nodiscard]] protocol::Result<void> open_standard_descriptors();

// Makes writes to standard error return instead of wait, for this process alone. Parts that are not ours (libzmq, the C
// library) write there before they abort; a pipe that is full would make them wait without end.
//
// Works for a pipe and a terminal: it is opened a second time, so that the processes that share it do not see
// O_NONBLOCK. Anything else, and one that may not be opened again, stays as it is.
void make_standard_error_nonblocking();

}  // namespace herd::node

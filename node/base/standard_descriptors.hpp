// Prepares the descriptors 0, 1 and 2 of a node. Call these functions on the main thread at the start.
#pragma once

#include "protocol/result.hpp"

namespace herd::node {

// Opens /dev/null as each of the three that is closed. Call it before any other descriptor is opened: another file
// would get the number of a closed one, and output for standard error would be written to a lock file or a client.
// Fails if neither /dev/null nor / can be opened.
[[nodiscard]] protocol::Result<void> open_standard_descriptors();

// Makes standard error non-blocking for this process only. libzmq and the C library write to it before they abort, and
// would block without a limit on a full pipe.
//
// Applies to a pipe or a terminal. It is opened a second time, so that other processes that share it do not get
// O_NONBLOCK. Other files, and one that cannot be opened again, stay unchanged.
void make_standard_error_nonblocking();

}  // namespace herd::node

// How the kernel shares cores among the threads of nodes and whatever else runs on the host.
#pragma once

namespace herd::node {

// Asks that threads which this one starts from now on, and itself, do not interrupt others when they have something to
// do, but get their turn soon: an update passes many threads, and one that is interrupted at each step to let the next
// one begin comes late with what it had left. Leaves a thread alone whose scheduling somebody has chosen already.
// False where the system refuses; then all goes on as the system's default has it.
bool schedule_in_short_turns();

}  // namespace herd::node

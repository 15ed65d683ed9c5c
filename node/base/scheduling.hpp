// How the kernel shares cores among the threads of nodes and whatever else runs on the host.
#pragma once

namespace herd::node {

// Asks for short turns, for this thread and those that it starts from now on: an update passes many threads, and each
// waits for its next turn where cores are few. Leaves a thread alone whose scheduling somebody has chosen. False where
// the system refuses; then all goes on as its default has it.
bool take_short_slices();

// Asks that this thread, for whose work nobody waits, interrupts no other when it has something to do. Likewise.
bool use_batch_scheduling();

}  // namespace herd::node

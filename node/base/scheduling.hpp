// How the kernel schedules the threads of a node. Any thread; applies to the calling thread.
#pragma once

namespace herd::node {

// Requests short time slices for this thread and for the threads that it starts afterwards. An update passes through
// many threads, and on a machine with few cores each of them waits for its next time slice. Does nothing if the
// thread's scheduling policy is not the default: an operator has chosen it. Returns false if the kernel refuses; the
// default then remains.
bool take_short_slices();

// Requests the policy SCHED_BATCH for this thread, so that it does not preempt other threads when it wakes up. For
// threads with work that no client waits for. Exceptions and result as for take_short_slices().
bool use_batch_scheduling();

}  // namespace herd::node

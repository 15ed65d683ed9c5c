// The line that says why a process ended, for ends that the process does not choose: a failed assertion, an exception
// that is not caught, an abort of a library, a fault of memory. The line goes the way of all log lines, and the process
// waits up to kLogEndPatience (log_output.hpp) for it and for the lines before it to be written, so that a standard
// error that blocks delays the end by a second and does not prevent it.
//
//   2026-11-23T14:03:56.123Z error Hill event=assertion_failed at=bus/store/feed.cpp:41 condition="number > tail_"
//   2026-11-23T14:03:56.124Z error Hill event=crashed signal=6
#pragma once

namespace herd::node {

// Installs the reporter of HERD_ASSERT, the terminate handler, and a handler for each of SIGABRT, SIGBUS, SIGFPE,
// SIGILL and SIGSEGV that nothing else handles (sanitizers do). After the line the signal does what it does by default.
// Called once, after start_log(), before other threads start.
void log_crashes();

}  // namespace herd::node

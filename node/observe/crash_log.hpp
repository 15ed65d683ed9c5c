// Logs why a process crashes: a failed assertion, an uncaught exception, an abort by a library, a memory fault. The
// line goes through the rings of the log like all lines. The process waits up to kLogEndPatience (log_output.hpp) until
// it and the lines before it are written. So a blocked standard error delays the end by a second but does not prevent
// it.
//
//   2026-11-23T14:03:56.123Z error Hill event=assertion_failed at=bus/store/feed.cpp:41 condition="number > tail_"
//   2026-11-23T14:03:56.124Z error Hill event=crashed signal=6
#pragma once

namespace herd::node {

// Installs the reporter of HERD_ASSERT, the terminate handler, and a handler for each of SIGABRT, SIGBUS, SIGFPE,
// SIGILL and SIGSEGV that has no handler yet (sanitizers install some). After the line, the default action of the
// signal follows. Call it once, after start_log(), before other threads start.
void log_crashes();

}  // namespace herd::node

// What a core dump of this process contains. Any thread; applies to the whole process.
#pragma once

namespace herd::node {

// Leaves the memory of the process out of its core dumps: it contains the secret keys of the bus, of TLS and of web
// services, and the locations of all clients. The core dump still has the registers of each thread and the list of
// mapped files, so it shows where the process crashed. This applies to the files that the kernel writes, to programs
// that it gives the core dump to, and to gdb's gcore. Child processes inherit it.
//
// Sets /proc/self/coredump_filter (core(5)); an operator who needs a complete core dump changes that of the running
// process. PR_SET_DUMPABLE would also hide /proc/PID from the user who runs the node, which scripts/herd needs to know
// its nodes. Returns false if the file cannot be written; then core dumps contain the memory.
[[nodiscard]] bool leave_memory_out_of_core_dumps();

}  // namespace herd::node

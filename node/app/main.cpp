// herd-node: runs one node of the configuration in the foreground. Exit status 0: a clean stop; 2: wrong usage or
// configuration; 1: any other error.
#include <spdlog/spdlog.h>

#include <cstdio>

#include "node/app/journal_task.hpp"
#include "node/app/node.hpp"
#include "node/base/core_dumps.hpp"
#include "node/base/scheduling.hpp"
#include "node/base/standard_descriptors.hpp"
#include "node/config/options.hpp"
#include "node/config/state_dir.hpp"
#include "node/observe/crash_log.hpp"
#include "node/observe/log.hpp"
#include "node/observe/log_output.hpp"
#include "node/observe/log_target.hpp"
#include "node/places/http_fetcher.hpp"

namespace {

// Writes why the node does not run to standard error. If its pipe is full, waits at most kLogEndPatience.
int fail(const std::string& message) {
  if (auto standard_error = herd::node::LogTarget::standard_error()) {
    standard_error->write_all("herd-node: " + message + "\n", herd::node::kLogEndPatience);
  }
  return 1;
}

int run_task(const herd::node::JournalTask& task) {
  const auto output = herd::node::run_journal_task(task);
  if (!output) return fail(output.error().message);
  std::fputs(output->c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : fail("standard output cannot be written");
}

int run_node(const herd::node::RunNode& run, bool core_dumps_have_memory) {
  using namespace herd::node;
  auto signals = Signals::block();  // first, because threads inherit the signal mask
  if (!signals) return fail(signals.error().message);
  auto state = StateDir::open(run.config, run.name);  // before the log, which may be in it
  if (!state) return fail(state.error().message);
  if (const auto log = start_log(run.name, run.config.log); !log) return fail(log.error().message);
  log_crashes();
  if (core_dumps_have_memory) {
    spdlog::warn(
        "event=core_dumps_have_memory reason=\"/proc/self/coredump_filter cannot be written: a core dump "
        "would contain secret keys\"");
  }
  if (!take_short_slices()) spdlog::debug("event=turns_not_short");
  const auto node = Node::start(run, *signals, *state);
  if (!node) {
    finish_log();
    return fail(node.error().message);
  }
  return (*node)->run() ? 0 : 1;
}

}  // namespace

// An exception that no part expects is a crash: log_crashes() reports it.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  using namespace herd::node;
  if (const auto opened = open_standard_descriptors(); !opened) return fail(opened.error().message);
  const bool core_dumps_have_memory = !leave_memory_out_of_core_dumps();  // before the first secret is read
  places::init_http();
  const Invocation invocation = read_command_line({argc, argv});
  if (invocation.journal_task) return run_task(*invocation.journal_task);
  std::fputs(invocation.output.c_str(), stdout);
  std::fputs(invocation.errors.c_str(), stderr);
  if (!invocation.run) return invocation.status;
  make_standard_error_nonblocking();
  const int status = run_node(*invocation.run, core_dumps_have_memory);
  finish_log();
  return status;
}

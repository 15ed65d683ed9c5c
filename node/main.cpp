// herd-node: runs one node of the configuration in the foreground. Exit status 0: a clean stop; 2: bad usage or
// configuration; 1: anything else.
#include <spdlog/spdlog.h>

#include <cstdio>

#include "node/log.hpp"
#include "node/node.hpp"
#include "node/options.hpp"
#include "node/places/http_fetcher.hpp"
#include "node/scheduling.hpp"
#include "node/standard_descriptors.hpp"
#include "node/state_dir.hpp"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "herd-node: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace herd::node;
  if (const auto opened = open_standard_descriptors(); !opened) return fail(opened.error().message);
  places::init_http();
  const Invocation invocation = read_command_line({argc, argv});
  std::fputs(invocation.output.c_str(), stdout);
  std::fputs(invocation.errors.c_str(), stderr);
  if (!invocation.run) return invocation.status;
  make_standard_error_return();
  const RunNode& run = *invocation.run;
  const auto state = StateDir::open(run.config, run.name);  // first: the log may lie in it
  if (!state) return fail(state.error().message);
  if (const auto log = start_log(run.name, run.config.log); !log) return fail(log.error().message);
  if (!take_short_turns()) spdlog::debug("event=turns_not_short");
  auto signals = Signals::block();
  if (!signals) return fail(signals.error().message);
  const auto node = Node::start(run, *signals, state->path());
  if (!node) return fail(node.error().message);
  return (*node)->run() ? 0 : 1;
}

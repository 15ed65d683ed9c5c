#include "node/config/flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

#include "node/base/log_levels.hpp"

namespace herd::node {
namespace {

void describe(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config, "The configuration of the herd")
      ->envname("HERD_CONFIG")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--discard-journal", flags.discard_journal,
               "Set the node's journal aside and start empty with a new feed; the peers send all records again");
  auto* const backup =
      app.add_option("--backup", flags.backup,
                     "Write a backup of the node's journal to this new file and exit; the node may run")
          ->type_name("FILE");
  auto* const restore =
      app.add_option("--restore", flags.restore,
                     "Replace the journal of the node, which must not run, by this backup or journal, and exit")
          ->type_name("FILE")
          ->excludes(backup);
  app.add_flag("--force", flags.force, "With --restore: set the journal that the node has aside, and replace it")
      ->needs(restore);
  app.add_option("--check-journal", flags.check_journal,
                 "Check that this backup or journal is whole, print its figures as JSON and exit; needs no NAME")
      ->type_name("FILE")
      ->excludes(backup)
      ->excludes(restore);
  app.add_flag("--check", flags.check, "Check the configuration and exit; with NAME also the keys of that node");
  app.add_flag("--list", flags.list, "Print the configured nodes as JSON and exit; needs no NAME");
  app.add_flag(
      "--new-key", flags.new_key,
      "Print a new key pair for the bus, as two lines of TOML, and exit; needs neither NAME nor configuration");
  app.add_option("--log-level", flags.log_level,
                 fmt::format("The log level, instead of the configured one: {}", fmt::join(kLogLevels, ", ")))
      ->type_name("LEVEL")
      ->check(CLI::IsMember(std::vector<std::string>(kLogLevels.begin(), kLogLevels.end())));
  app.set_version_flag("--version", "herd-node " HERD_VERSION);
  app.add_option("NAME", flags.name, "The node to run")->type_name("");
}

}  // namespace

ReadFlags read_flags(int argc, const char* const* argv) {
  CLI::App app{"Runs one node of a herd in the foreground, until SIGTERM or SIGINT.", "herd-node"};
  Flags flags;
  describe(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    // CLI11 also throws for --help and --version, with exit code 0.
    std::ostringstream output;
    std::ostringstream ignored;
    if (end.get_exit_code() != 0) return {{}, true, fmt::format("{} (try herd-node --help)", end.what())};
    (void)app.exit(end, output, ignored);
    return {{}, false, output.str()};
  }
  return {std::move(flags)};
}

}  // namespace herd::node

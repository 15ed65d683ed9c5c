#include "tests/sim/options.hpp"

#include <CLI/CLI.hpp>
#include <string>

#include "tests/mutant_names.hpp"

namespace herd::sim {

CommandLine read_command_line(int argc, char** argv) {
  CLI::App app{"Runs real replicas in virtual time, with faults of network and disks that a seed decides"};
  Options options;
  auto* one = app.add_option("--seed", options.first, "Run only this seed, and print its scenario and result");
  app.add_option("--first", options.first, "The first seed")->excludes(one)->capture_default_str();
  app.add_option("--seeds", options.count, "The number of seeds")->excludes(one)->capture_default_str();
  app.add_flag("--scale", options.scale,
               "Print the cost of updates in herds of 5 to 500 nodes without faults; --seed draws their links");
  app.add_option("--most", options.most, "With --scale: the largest number of nodes");
  app.add_option_function<std::string>(
         "--mutant", [&options](const std::string& name) { options.mutant = bus::kMutantNames.at(name); },
         "Run with this mutant (bus/store/mutants.hpp), which must cause a fault")
      ->check(CLI::IsMember(bus::kMutantNames).description(""))
      ->type_name("NAME");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : 2};
  }
  options.one_seed = one->count() > 0;
  return {options};
}

}  // namespace herd::sim

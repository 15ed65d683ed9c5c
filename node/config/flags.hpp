// The words of herd-node's command line, before anything that they name is read: node/config/options.hpp. In a source
// of its own, because the templates of its library take long to compile. Main thread, at the start.
#pragma once

#include <optional>
#include <string>

#include "protocol/installation.hpp"

namespace herd::node {

struct Flags {
  std::string config = HERD_CONFIGURATION;
  std::string log_level;
  std::string name;
  std::optional<std::string> backup;         // the file to write
  std::optional<std::string> restore;        // the file to read
  std::optional<std::string> check_journal;  // the file to check
  bool force = false;
  bool check = false;
  bool discard_journal = false;
  bool list = false;
  bool new_key = false;
};

struct ReadFlags {
  std::optional<Flags> flags;  // nullopt: `text` is the output of --help or --version, or the mistake
  bool is_mistake = false;
  std::string text{};
};

[[nodiscard]] ReadFlags read_flags(int argc, const char* const* argv);

}  // namespace herd::node

// The keys of commands and tokens under [clients].
#include <string>

#include "node/config/config.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

struct Configured {
  ScratchDir scratch;

  [[nodiscard]] auto load(const std::string& keys) const {
    return load_config(
        scratch.write("[clients]\n" + keys +
                      "\n[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:12140\"\nbus = \"tcp://127.0.0.1:12240\"\n"));
  }
  // The one line of the Error, without the name of the file.
  [[nodiscard]] std::string mistake(const std::string& keys) const {
    const auto config = load(keys);
    REQUIRE_FALSE(config);
    return config.error().message.substr((scratch.path() / "herd.toml:").string().size());
  }
};

}  // namespace

TEST_CASE("all commands need lines of 1024 bytes, and tokens need all commands") {
  const Configured configured;
  CHECK(configured.mistake("max_line_bytes = 1023") ==
        "2: [clients] `max_line_bytes` is 1023, which is too short for some commands: write 1024 or more, or set "
        "commands = \"seed\"");
  CHECK(configured.mistake("commands = \"seed\"\nauth = \"token\"") ==
        "3: [clients] `auth` is \"token\", but commands = \"seed\" makes AUTH an unknown command: remove one of them");
  CHECK(configured.load("auth = \"token\"")->clients.auth == Authentication::Token);
  CHECK(configured.load("max_line_bytes = 64\ncommands = \"seed\"")->clients.commands == CommandSet::Seed);
  CHECK(configured.load("")->clients.commands == CommandSet::All);
}

TEST_CASE("the file of tokens is relative to the configuration") {
  const Configured configured;
  CHECK(configured.load("")->clients.tokens == configured.scratch.path() / "tokens.toml");
  CHECK(configured.load("tokens = \"a/b.toml\"")->clients.tokens == configured.scratch.path() / "a/b.toml");
  CHECK(configured.load("tokens = \"/etc/herd/tokens.toml\"")->clients.tokens == "/etc/herd/tokens.toml");
}

// conf/herd.toml: the configuration that new users run and that operators read.
#include <fstream>
#include <iterator>

#include "node/config/config_diff.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

TEST_CASE("the shipped configuration contains the defaults and the five nodes") {
  const ScopedVariable state("HERD_STATE_DIR", "/var/lib/herd");
  const auto shipped = load_config(HERD_SOURCE_DIR "/conf/herd.toml");
  REQUIRE(shipped);
  REQUIRE(shipped->nodes.size() == 5);
  Config defaults;
  defaults.state_dir = "/var/lib/herd";
  defaults.bus.keys_dir = "/var/lib/herd/keys";
  defaults.clients.tokens = std::filesystem::path(HERD_SOURCE_DIR "/conf/tokens.toml").lexically_normal();
  defaults.nodes = shipped->nodes;
  const auto changes = diff({defaults, *shipped}, "Hill");
  CHECK(changes.live == std::vector<std::string>());
  CHECK(changes.restart == std::vector<std::string>());
  CHECK(shipped->clients.allow_plaintext == defaults.clients.allow_plaintext);
  CHECK(shipped->bus.curve);
  CHECK(shipped->http.allow_remote_http == defaults.http.allow_remote_http);
  CHECK(shipped->monitor.allow_remote == defaults.monitor.allow_remote);
  const auto* hill = shipped->find("Hill");
  REQUIRE(hill != nullptr);
  CHECK(hill->clients == Address{"127.0.0.1", 12140});
  CHECK(hill->bus == "tcp://127.0.0.1:12240");
  CHECK(hill->bus_public == hill->bus);
  CHECK(hill->monitor == "tcp://127.0.0.1:12340");
  CHECK(hill->http == Address{"127.0.0.1", 12440});
  CHECK(hill->peers == std::vector<std::string>{"Jaquez", "Smith"});
  CHECK(shipped->find("Singleton")->peers == std::vector<std::string>{"Jaquez", "Smith", "Campbell"});
  CHECK(shipped->find("hill") == nullptr);
}

TEST_CASE("the shipped configuration contains every setting") {
  std::ifstream file(HERD_SOURCE_DIR "/conf/herd.toml");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  Config config;
  config.nodes.resize(1);
  config.nodes[0].name = "Hill";
  auto all = settings(config, "Hill");
  all.insert(all.end(),
             {{"clients.allow_plaintext", {}}, {"http.allow_remote_http", {}}, {"monitor.allow_remote", {}}});
  for (const auto& setting : all) {
    INFO(setting.key);
    const auto dot = setting.key.find('.');
    const auto name = setting.key.substr(0, dot);
    const auto head = name == "node" ? "\n[[node]]\n" : "\n[" + name + "]";
    const auto begin = text.find(head);
    REQUIRE(begin != std::string::npos);
    const auto section = text.substr(begin, text.find("\n[", begin + 1) - begin);
    const auto key = setting.key.substr(dot + 1) + " = ";
    CHECK((section.find("\n" + key) != std::string::npos || section.find("\n# " + key) != std::string::npos));
  }
}

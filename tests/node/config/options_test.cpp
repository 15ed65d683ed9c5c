#include "node/config/options.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <variant>

#include "bus/keys/key_pair.hpp"
#include "node/config/port_range.hpp"
#include "node/config/toml_file.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

const std::string kTwoNodes = R"([herd]
state_dir = "/state"
[bus]
curve = false
[clients]
max_connections = 7
allow_plaintext = true
[[node]]
name = "Hill"
clients = "127.0.0.1:12140"
bus = "tcp://127.0.0.1:12240"
http = "127.0.0.1:12440"
peers = ["Smith"]
[[node]]
name = "Smith"
clients = "192.0.2.1:12141"
bus = "tcp://127.0.0.1:12241"
)";

Invocation invoke(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"herd-node"};
  for (const auto& word : words) argv.push_back(word.c_str());
  return read_command_line({static_cast<int>(argv.size()), argv.data()});
}

bool is_one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

}  // namespace

TEST_CASE("a name and a configuration are sufficient to run a node") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto invocation = invoke({"--config", file, "Hill"});
  REQUIRE(invocation.run);
  CHECK(invocation.run->name == "Hill");
  CHECK(invocation.run->config.file == file);
  CHECK(invocation.run->config.log.level == "info");
  CHECK_FALSE(invocation.run->log_level);
}

TEST_CASE("the log level of the command line overrides the configured one") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto invocation = invoke({"--config", file, "--log-level", "debug", "Hill"});
  REQUIRE(invocation.run);
  CHECK(invocation.run->config.log.level == "debug");
  CHECK(invocation.run->log_level == "debug");
  CHECK(invoke({"--config", file, "--log-level", "loud", "Hill"}).status == 2);
}

TEST_CASE("the log file of the node to run is resolved") {
  const ScratchDir scratch;
  const auto file = scratch.write("log.file = \"node.log\"\n" + kTwoNodes).string();
  CHECK(invoke({"--config", file, "Hill"}).run->config.log.file == "/state/nodes/Hill/node.log");
}

TEST_CASE("HERD_CONFIG is the path of the configuration, and --config overrides it") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const ScopedVariable variable("HERD_CONFIG", file);
  CHECK(invoke({"Hill"}).run);
  CHECK_FALSE(invoke({"--config", file + ".none", "Hill"}).run);
}

TEST_CASE("a wrong command line gives one line and status 2") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  for (const auto& words : std::vector<std::vector<std::string>>{{"--config", file},
                                                                 {"--config", file, "--colour", "Hill"},
                                                                 {"--config", file, "Hill", "Smith"},
                                                                 {"--config"}}) {
    const auto invocation = invoke(words);
    CHECK_FALSE(invocation.run);
    CHECK(invocation.status == 2);
    CHECK(invocation.output.empty());
    CHECK(is_one_line(invocation.errors));
  }
}

TEST_CASE("the error for an unknown node lists the nodes") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto invocation = invoke({"--config", file, "Hil"});
  CHECK(invocation.status == 2);
  CHECK(invocation.errors == "herd-node: no node \"Hil\" in " + file + ": its nodes are Hill, Smith\n");
}

TEST_CASE("a wrong configuration gives status 2 and one line for each mistake") {
  const ScratchDir scratch;
  const auto file = scratch.write("[bus]\nmax_batch = 0\n").string();
  for (const std::string how : {"--check", "--list", "Hill"}) {
    const auto invocation = invoke({"--config", file, how});
    CHECK(invocation.status == 2);
    CHECK(invocation.output.empty());
    CHECK(invocation.errors == file + ":1: there is no [[node]]: add one with name, clients and bus\n" + file +
                                   ":2: [bus] `max_batch` is 0: write a number from 1 to 512\n");
  }
}

TEST_CASE("herd-node --check needs no name and reports a valid configuration in one line") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto invocation = invoke({"--config", file, "--check"});
  CHECK_FALSE(invocation.run);
  CHECK(invocation.status == 0);
  CHECK(invocation.output == file + ": no mistakes, 2 nodes: Hill, Smith\n");
  CHECK(invoke({"--config", file, "--check", "Jones"}).status == 2);
}

TEST_CASE("herd-node --check warns of ports that the kernel may give to outgoing connections, with status 0") {
  const PortRange range = read_port_range();
  int port = 1;
  while (port <= 65535 && !range.contains(static_cast<std::uint16_t>(port))) ++port;
  REQUIRE(port <= 65535);
  const ScratchDir scratch;
  const auto file = scratch.write("[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:" + std::to_string(port) +
                                  "\"\nbus = \"tcp://127.0.0.1:1\"\n");
  const auto invocation = invoke({"--config", file.string(), "--check"});
  CHECK(invocation.status == 0);
  CHECK(invocation.errors.rfind("warning: Hill: `clients` has port " + std::to_string(port) + ", which", 0) == 0);
  CHECK(is_one_line(invocation.errors));
}

TEST_CASE("herd-node --list contains the values of the configuration that scripts need") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto invocation = invoke({"--config", file, "--list"});
  REQUIRE(invocation.status == 0);
  const auto list = nlohmann::json::parse(invocation.output);
  CHECK(list["herd"] == "local");
  CHECK(list["config"] == file);
  CHECK(list["state_dir"] == "/state");
  CHECK(list["ready_timeout_ms"] == 2000);
  REQUIRE(list["nodes"].size() == 2);
  const auto& hill = list["nodes"][0];
  CHECK(hill["name"] == "Hill");
  CHECK(hill["clients"] == "127.0.0.1:12140");
  CHECK(hill["bus"] == "tcp://127.0.0.1:12240");
  CHECK(hill["bus_public"] == "tcp://127.0.0.1:12240");
  CHECK(hill["monitor"] == "");
  CHECK(hill["http"] == "127.0.0.1:12440");
  CHECK(hill["peers"] == nlohmann::json::array({"Smith"}));
  CHECK(hill["local"] == true);
  CHECK(hill["settings"]["bus.max_batch"] == "512");
  CHECK(hill["live_settings"]["clients.max_connections"] == "7");
  const auto& smith = list["nodes"][1];
  CHECK(smith["http"] == "");
  CHECK(smith["local"] == false);  // 192.0.2.0/24 is for documentation (RFC 5737): no host has it
  CHECK(smith["peers"] == nlohmann::json::array({"Hill"}));
}

TEST_CASE("a node is of this host if its addresses are, of names any of theirs, and of a wildcard bus_public's") {
  const auto is_local = [](const std::string& clients, const std::string& bus, const std::string& more = "") {
    const ScratchDir scratch;
    const auto file = scratch.write("[clients]\nallow_plaintext = true\n[[node]]\nname = \"Hill\"\nclients = \"" +
                                    clients + ":1\"\nbus = \"tcp://" + bus + ":2\"\n" + more);
    const auto invocation = invoke({"--config", file.string(), "--list"});
    REQUIRE(invocation.status == 0);
    return nlohmann::json::parse(invocation.output)["nodes"][0]["local"] == true;
  };
  const auto reached_at = [](const std::string& host) { return "bus_public = \"tcp://" + host + ":3\"\n"; };
  CHECK(is_local("localhost", "localhost"));
  CHECK(is_local("0.0.0.0", "127.0.0.1", reached_at("192.0.2.1")));
  CHECK(is_local("0.0.0.0", "0.0.0.0", reached_at("127.0.0.1")));
  CHECK(is_local("0.0.0.0", "[::]", reached_at("localhost")));
  CHECK_FALSE(is_local("0.0.0.0", "0.0.0.0", reached_at("192.0.2.1")));
  CHECK_FALSE(is_local("192.0.2.1", "127.0.0.1"));
  CHECK_FALSE(is_local("127.0.0.1", "192.0.2.1"));
  CHECK_FALSE(is_local("127.0.0.1", "no-such-name.invalid"));
  CHECK_FALSE(is_local("no-such-name.invalid", "127.0.0.1"));
}

TEST_CASE("help and version go to standard output with status 0") {
  const auto version = invoke({"--version"});
  CHECK(version.status == 0);
  CHECK(version.output.starts_with("herd-node "));
  CHECK(is_one_line(version.output));
  CHECK(version.errors.empty());
  const auto help = invoke({"--help"});
  CHECK(help.status == 0);
  CHECK(help.output.find("--log-level") != std::string::npos);
}

TEST_CASE("the option --new-key prints a key pair as TOML and reads no configuration") {
  const auto invocation = invoke({"--config", "/no/such/file", "--new-key"});
  CHECK_FALSE(invocation.run);
  CHECK(invocation.status == 0);
  CHECK(invocation.errors.empty());
  const ScratchDir scratch;
  const auto toml = read_toml(scratch.write(invocation.output));
  REQUIRE(toml);
  REQUIRE(toml->size() == 2);
  std::map<std::string, std::string> keys;
  for (const auto& entry : *toml) keys[entry.key] = std::get<std::string>(entry.value.content);
  CHECK(herd::bus::public_key_of(keys["secret"]) == keys["public"]);
  CHECK(invocation.output.find("public = \"") == 0);
}

TEST_CASE("a backup and a restore name a node and need no keys, a check needs neither node nor configuration") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const auto backup = invoke({"--config", file, "--backup", "/backups/Hill", "Hill"});
  REQUIRE(backup.journal_task);
  CHECK_FALSE(backup.run);
  CHECK(backup.journal_task->kind == JournalTask::Kind::Backup);
  CHECK(backup.journal_task->file == "/backups/Hill");
  CHECK(backup.journal_task->name == "Hill");
  CHECK(backup.journal_task->config.state_dir == "/state");
  const auto restore = invoke({"--config", file, "--restore", "/backups/Hill", "--force", "Smith"});
  REQUIRE(restore.journal_task);
  CHECK(restore.journal_task->kind == JournalTask::Kind::Restore);
  CHECK(restore.journal_task->force);
  const auto check = invoke({"--config", "none.toml", "--check-journal", "/backups/Hill"});
  REQUIRE(check.journal_task);
  CHECK(check.journal_task->kind == JournalTask::Kind::Check);
}

TEST_CASE("a backup or a restore without a node, or with wrong flags, is a mistake and runs no node") {
  const ScratchDir scratch;
  const auto file = scratch.write(kTwoNodes).string();
  const std::vector<std::vector<std::string>> mistakes{
      {"--backup", "/backups/Hill"},
      {"--backup", "", "Nowhere"},
      {"--restore", "/backups/Hill"},
      {"--backup", "a", "--restore", "b", "Hill"},
      {"--backup", "a", "--force", "Hill"},
      {"--force", "Hill"},
      {"--check-journal", "a", "--backup", "b", "Hill"},
  };
  for (const auto& words : mistakes) {
    std::vector<std::string> line{"--config", file};
    line.insert(line.end(), words.begin(), words.end());
    const auto invocation = invoke(line);
    CHECK_FALSE(invocation.run);
    CHECK_FALSE(invocation.journal_task);
    CHECK(invocation.status == 2);
    CHECK(is_one_line(invocation.errors));
  }
}

#include "node/config/config.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <sstream>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

// The smallest valid configuration, four lines.
const std::string kOneNode =
    "[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:12140\"\nbus = \"tcp://127.0.0.1:12240\"\n";

std::string node(const std::string& name, int port, const std::string& more = "") {
  return fmt::format("[[node]]\nname = \"{}\"\nclients = \"127.0.0.1:{}\"\nbus = \"tcp://127.0.0.1:{}\"\n{}\n", name,
                     port, port + 100, more);
}

herd::protocol::Result<Config> load(const std::string& text) {
  const ScratchDir scratch;
  return load_config(scratch.write(text));
}

// The mistakes, each as `LINE: text` without the file name.
std::vector<std::string> mistakes(const std::string& text) {
  const ScratchDir scratch;
  const auto file = scratch.write(text);
  const auto config = load_config(file);
  std::vector<std::string> lines;
  if (config) return lines;
  std::istringstream stream(config.error().message);
  for (std::string line; std::getline(stream, line);) {
    REQUIRE(line.starts_with(file.string() + ":"));
    lines.push_back(line.substr(file.string().size() + 1));
  }
  return lines;
}

// The mistake of a file that consists of `head` and one node. Requires that it is the only one.
std::string mistake_of(const std::string& head) {
  const auto all = mistakes(head + "\n" + kOneNode);
  INFO(head);
  REQUIRE(all.size() == 1);
  return all.front();
}

// The mistake of a node with `line` as its fifth line. Requires that it is the only one.
std::string mistake_of_node(const std::string& line) {
  const auto all = mistakes(kOneNode + line + "\n");
  INFO(line);
  REQUIRE(all.size() == 1);
  return all.front();
}

bool is_valid(const std::string& head) {
  const auto config = load(head + "\n" + kOneNode);
  INFO((config ? "" : config.error().message));
  return config.has_value();
}

}  // namespace

TEST_CASE("a node needs a name, a client address and a bus address") {
  const auto config = load(kOneNode);
  REQUIRE(config);
  CHECK(config->nodes[0].monitor.empty());
  CHECK(config->nodes[0].http.port == 0);
  CHECK(mistakes("[[node]]\n") == std::vector<std::string>{"1: [[node]] has no `name`: add it",
                                                           "1: [[node]] has no `clients`: add it",
                                                           "1: [[node]] has no `bus`: add it"});
}

TEST_CASE("a file without nodes, a missing file and a directory are reported") {
  CHECK(mistakes("") == std::vector<std::string>{"1: there is no [[node]]: add one with name, clients and bus"});
  const ScratchDir scratch;
  CHECK(load_config(scratch.path() / "none.toml").error().message.find("none.toml:1: cannot be read (No such file") !=
        std::string::npos);
  CHECK(load_config(scratch.path()).error().message.find(":1: is a directory") != std::string::npos);
}

TEST_CASE("a TOML syntax error is reported with its line") {
  const auto all = mistakes(kOneNode + "[bus\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].starts_with("5: TOML syntax error: "));
  CHECK(mistakes("[bus]\nmax_batch = 1\nmax_batch = 2\n")[0].starts_with("3: TOML syntax error: "));
}

TEST_CASE("all mistakes are reported at once, in the order of the file") {
  const auto all =
      mistakes("[bus]\nmax_batch = 0\n[clients]\nmax_line_byte = 5\nidle_timeout = 7\n[herd]\nname = \"a b\"\n" +
               kOneNode + "peers = [\"Hill\", \"Smith\"]\n[[node]]\n");
  REQUIRE(all.size() == 9);
  CHECK(all[0] == "2: [bus] `max_batch` is 0: write a number from 1 to 512");
  CHECK(all[1] == "4: [clients] unknown key `max_line_byte` (did you mean \"max_line_bytes\"?)");
  CHECK(all[2] == R"(5: [clients] `idle_timeout` is an integer: write a duration, such as "300s", "5ms" or "2m")");
  CHECK(all[3] == "7: [herd] `name` is \"a b\": write 1 to 63 letters, digits, _ or -");
  CHECK(all[4] == "12: Hill: `peers` names itself: remove \"Hill\"");
  CHECK(all[5] == "12: Hill: `peers` names \"Smith\", which is not a node of this file: correct or remove it");
  CHECK(all[8] == "13: [[node]] has no `bus`: add it");
}

TEST_CASE("unknown keys and sections are mistakes, with a suggestion if a known word is near") {
  CHECK(mistake_of("[networks]") ==
        "1: unknown section [networks]: remove it (known: herd, clients, watches, bus, updates, places, http, monitor, "
        "log, node)");
  CHECK(mistake_of("[client]") == "1: unknown section [client] (did you mean \"clients\"?)");
  CHECK(mistake_of("colour = 1").starts_with("1: unknown key `colour`: remove it"));
  CHECK(mistake_of("[places]\nregion = \"us\"").starts_with("2: [places] unknown key `region`: remove it"));
  CHECK(mistake_of_node("htp = \"127.0.0.1:1\"") == "5: [[node]] unknown key `htp` (did you mean \"http\"?)");
}

TEST_CASE("wrong types are mistakes that name the required type") {
  CHECK(mistake_of("herd = 5") == "1: `herd` is an integer: write a section, [herd]");
  CHECK(mistake_of("[herd]\nname = true") == "2: [herd] `name` is a boolean: write a string, \"...\"");
  CHECK(mistake_of("[clients]\nmax_connections = \"5\"") ==
        "2: [clients] `max_connections` is a string: write an integer");
  CHECK(mistake_of("[clients]\nmax_connections = 5.5") ==
        "2: [clients] `max_connections` is a number with a fraction: write an integer");
  CHECK(mistake_of("[http]\nallow_remote_http = 1") ==
        "2: [http] `allow_remote_http` is an integer: write true or false");
  CHECK(mistake_of("[places]\nproviders = \"embedded\"") ==
        R"(2: [places] `providers` is a string: write a list of strings, ["...", "..."])");
  CHECK(mistake_of_node("peers = [\n5]") ==
        R"(6: [[node]] `peers` contains an integer: write strings, ["...", "..."])");
  CHECK(mistake_of_node("http = 2020-02-02") == "5: [[node]] `http` is a date or time: write a string, \"...\"");
  CHECK(mistakes("[node]\nname = \"Hill\"\n")[0] == "1: `node` is a table: write [[node]], once for each node");
  CHECK(mistakes("node = [1]\n")[0] == "1: `node` contains an integer: write [[node]], once for each node");
}

TEST_CASE("a duration is a whole number and a unit, within its range") {
  const auto idle = [](const std::string& text) {
    const auto config = load("clients.idle_timeout = \"" + text + "\"\n" + kOneNode);
    return config ? std::optional(config->clients.idle_timeout) : std::nullopt;
  };
  CHECK(idle("300s") == 300s);
  CHECK(idle("2m") == 2min);
  CHECK(idle("24h") == 24h);
  CHECK(idle("100ms") == 100ms);
  for (const auto* text : {"", "5", "s", "1.5s", "-5s", "+5s", " 5s", "5 s", "5S", "5d", "99ms", "86401s", "25h",
                           "99999999999999999999s", "9223372036854775807h"}) {
    INFO(text);
    CHECK_FALSE(idle(text));
  }
  CHECK(mistake_of("[places]\ntimeout = \"5\"") ==
        R"(2: [places] `timeout` is "5", which is not a duration: write a whole number and ms, s, m or h, )"
        R"(such as "300s")");
  CHECK(mistake_of("[places]\ntimeout = \"9ms\"") == "2: [places] `timeout` is 9ms: write a duration from 10ms to 1m");
}

TEST_CASE("every number and duration is checked against both of its bounds") {
  struct Bounds {
    std::string key, below, least, most, above;
  };
  const auto bounds =
      GENERATE(Bounds{"clients.max_line_bytes", "1023", "1024", "65536", "65537"},
               Bounds{"clients.commands = \"seed\"\nclients.max_line_bytes", "63", "64", "65536", "65537"},
               Bounds{"clients.max_connections", "0", "1", "1000000", "1000001"},
               Bounds{"clients.max_clients", "0", "1", "1000000000", "1000000001"},
               Bounds{"clients.max_future", "\"-1ms\"", "\"0s\"", "\"24h\"", "\"86400001ms\""},
               Bounds{"watches.max_per_node", "-1", "0", "10000000", "10000001"},
               Bounds{"watches.max_members", "0", "1", "1000000000", "1000000001"},
               Bounds{"bus.max_in_flight", "0", "1", "8", "9"}, Bounds{"bus.max_batch", "-1", "1", "512", "513"},
               Bounds{"places.timeout", "\"9ms\"", "\"10ms\"", "\"60s\"", "\"60001ms\""},
               Bounds{"places.cache_ttl", "\"-1ms\"", "\"0ms\"", "\"24h\"", "\"86401s\""},
               Bounds{"http.ready_timeout", "\"-1s\"", "\"0ms\"", "\"1m\"", "\"61s\""});
  INFO(bounds.key);
  CHECK_FALSE(mistake_of(bounds.key + " = " + bounds.below).empty());
  CHECK(is_valid(bounds.key + " = " + bounds.least));
  CHECK(is_valid(bounds.key + " = " + bounds.most));
  CHECK_FALSE(mistake_of(bounds.key + " = " + bounds.above).empty());
}

TEST_CASE("an unknown word is refused with the known words and a suggestion") {
  CHECK(is_valid("[clients]\ninvalid_arguments = \"reply\""));
  CHECK(mistake_of("[clients]\ninvalid_arguments = \"repl\"") ==
        R"(2: [clients] `invalid_arguments` is "repl" (did you mean "reply"?): write one of "drop", "reply")");
  CHECK(is_valid("[log]\nlevel = \"trace\""));
  CHECK(mistake_of("[log]\nlevel = \"warn\"") ==
        R"(2: [log] `level` is "warn": write one of "trace", "debug", "info", "warning", "error")");
}

TEST_CASE("each word of `ack` and `invalid_arguments` means its value, and the default stays without one") {
  const auto ack = [](const std::string& line) { return load("[updates]\n" + line + "\n" + kOneNode)->updates.ack; };
  CHECK(ack("ack = \"memory\"") == Acknowledge::Memory);
  CHECK(ack("ack = \"write\"") == Acknowledge::Write);
  CHECK(ack("ack = \"fsync\"") == Acknowledge::Fsync);
  CHECK(ack("") == Acknowledge::Write);
  const auto policy = [](const std::string& line) {
    return load("[clients]\n" + line + "\n" + kOneNode)->clients.invalid_arguments;
  };
  CHECK(policy("invalid_arguments = \"drop\"") == InvalidArgumentsPolicy::Drop);
  CHECK(policy("invalid_arguments = \"reply\"") == InvalidArgumentsPolicy::Reply);
  CHECK(policy("") == InvalidArgumentsPolicy::Drop);
}

TEST_CASE("providers are known words, at least one, each at most once") {
  CHECK(is_valid("[places]\nproviders = [\"embedded\"]"));
  CHECK(is_valid("[places]\nproviders = [\"google-legacy\", \"embedded\", \"google\"]"));
  CHECK(mistake_of("[places]\nproviders = [\"embeded\"]") ==
        "2: [places] `providers` names \"embeded\" (did you mean \"embedded\"?), which is not a provider: write "
        "\"google\", \"google-legacy\", \"embedded\"");
  CHECK(mistake_of("[places]\nproviders = [\"overpass\"]").find("which is not a provider") != std::string::npos);
  CHECK(mistake_of("[places]\nproviders = [\"embedded\", \"embedded\"]").find("twice") != std::string::npos);
  CHECK(mistake_of("[places]\nproviders = []").find("is empty") != std::string::npos);
}

TEST_CASE("Google's URLs must be https, or http to a loopback address") {
  CHECK(is_valid("[places]\ngoogle_url = \"http://127.0.0.1:15000/x\""));
  CHECK(mistake_of("[places]\ngoogle_url = \"http://places.example/\"").find("unencrypted") != std::string::npos);
  CHECK(mistake_of("[places]\ngoogle_legacy_url = \"x\"").find("neither an https") != std::string::npos);
}

TEST_CASE("an API key as key_env is refused and not repeated in the error") {
  CHECK(is_valid("[places]\nkey_env = \"_MY_KEY2\""));
  for (const std::string name : {"AIzaSySecret", "2KEY", "", "MY KEY"}) {
    const auto mistake = mistake_of("[places]\nkey_env = \"" + name + "\"");
    CHECK(mistake.find("is not the name of a variable") != std::string::npos);
    CHECK((name.empty() || mistake.find(name) == std::string::npos));
  }
}

TEST_CASE("key_file is relative to the configuration and must have mode 0600") {
  const ScratchDir scratch;
  const auto key = scratch.write("test-key-of-a-file", "key");
  const auto file = scratch.write("[places]\nkey_file = \"key\"\n" + kOneNode);
  chmod(key.c_str(), 0600);
  const auto config = load_config(file);
  REQUIRE(config);
  CHECK(config->places.key_file == key);
  chmod(key.c_str(), 0640);
  const auto looser = load_config(file);
  REQUIRE_FALSE(looser);
  CHECK(looser.error().message.find(":2: [places] `key_file` is " + key.string() + ", which may be used by others") !=
        std::string::npos);
  CHECK(looser.error().message.find("test-key") == std::string::npos);
  std::filesystem::remove(key);
  CHECK(load_config(file).error().message.find("cannot be read") != std::string::npos);
  CHECK(is_valid("[places]\nkey_file = \"\""));
}

TEST_CASE("a clients' address that other hosts can reach in plain text is refused unless it is allowed") {
  const auto with_clients = [](const std::string& address) {
    return "[[node]]\nname = \"Hill\"\nclients = \"" + address + "\"\nbus = \"tcp://127.0.0.1:12240\"\n";
  };
  for (const std::string address : {"0.0.0.0:12140", "[::]:12140", "192.0.2.1:12140", "herd.example:12140"}) {
    const auto all = mistakes(with_clients(address));
    REQUIRE(all.size() == 1);
    const std::string host = address[0] == '[' ? "::" : address.substr(0, address.find(':'));
    CHECK(all[0] == "3: Hill: `clients` is \"" + host +
                        "\", which other hosts can reach in plain text: write 127.0.0.1:12140, or set tls = \"on\" or "
                        "allow_plaintext = true under [clients]");
    CHECK(load("clients.allow_plaintext = true\n" + with_clients(address)));
  }
  for (const std::string address : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    CHECK(load(with_clients(address)));
  }
}

TEST_CASE("an http address that other hosts can reach is refused unless it is allowed") {
  CHECK(mistake_of_node("http = \"0.0.0.0:12440\"") ==
        "5: Hill: `http` is \"0.0.0.0\", which other hosts can reach: write 127.0.0.1:12440, or set auth = "
        "\"token\" or allow_remote_http = true under [http]");
  CHECK(load("http.auth = \"token\"\n" + kOneNode + "http = \"0.0.0.0:12440\"\n"));
  CHECK(load("http.allow_remote_http = true\n" + kOneNode + "http = \"0.0.0.0:12440\"\n"));
  CHECK(load(kOneNode + "http = \"localhost:12440\"\n"));
}

TEST_CASE("a monitor that other hosts can reach is refused unless it is allowed, and then it needs the bus's keys") {
  const std::string remote = kOneNode + "monitor = \"tcp://0.0.0.0:12340\"\n";
  CHECK(mistake_of_node("monitor = \"tcp://0.0.0.0:12340\"") ==
        "5: Hill: `monitor` is \"0.0.0.0\", which other hosts can reach: write tcp://127.0.0.1:12340, or allow it for "
        "viewers with a key with allow_remote = true under [monitor]");
  CHECK(load("monitor.allow_remote = true\n" + remote));
  CHECK(load(kOneNode + "monitor = \"tcp://[::1]:12340\"\n"));
  const auto plain = mistakes("monitor.allow_remote = true\nbus.curve = false\n" + remote);
  REQUIRE(plain.size() == 1);
  CHECK(
      plain[0].ends_with("`monitor` is \"0.0.0.0\", which other hosts can reach, but without encryption the node has "
                         "no key: remove curve = false, or write tcp://127.0.0.1:12340"));
  CHECK(mistake_of("[monitor]\nallow_remote = 1") == "2: [monitor] `allow_remote` is an integer: write true or false");
}

TEST_CASE("malformed addresses are mistakes") {
  for (const auto* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", ":12440",
                           "127.0.0.300:12440", "::1:12440", "[::1:12440", "[127.0.0.1]:12440", "a b:12440", "*:12440",
                           "tcp://127.0.0.1:12440", "127.0.0.1:12440 "}) {
    INFO(text);
    const auto all =
        mistakes(fmt::format("[[node]]\nname = \"Hill\"\nbus = \"tcp://127.0.0.1:1\"\nclients = \"{}\"", text));
    REQUIRE(all.size() == 1);
    CHECK(all[0].starts_with(fmt::format("4: Hill: `clients` is \"{}\"", text)));
  }
  CHECK(mistake_of_node("monitor = \"127.0.0.1:12340\"").find("does not begin with tcp://") != std::string::npos);
  CHECK(mistake_of_node("monitor = \"tcp://localhost:12340\"").find("has the host name") != std::string::npos);
  CHECK(mistake_of_node("http = \"nowhere\"").find("which has no port") != std::string::npos);
  CHECK(mistake_of_node("bus_public = \"ipc:///tmp/x\"").find("does not begin with tcp://") != std::string::npos);
  CHECK(mistakes("[[node]]\nname = \"Hill\"\nclients = \"localhost:1\"\nbus = \"\"\n") ==
        std::vector<std::string>{"4: Hill: `bus` is empty: write tcp://HOST:PORT"});
}

TEST_CASE("a name has 1 to 63 letters, digits, underscores and hyphens") {
  const auto named = [](const std::string& name) { return load(node(name, 12140)).has_value(); };
  CHECK(named("a"));
  CHECK(named("Hill_2-b"));
  CHECK(named(std::string(63, 'x')));
  CHECK_FALSE(named(std::string(64, 'x')));
  CHECK_FALSE(named(""));
  CHECK_FALSE(named("a.b"));
  CHECK_FALSE(named("a/b"));
  CHECK_FALSE(named("\u00e4"));
}

TEST_CASE("a name of the wrong type and an empty name are one mistake each") {
  CHECK(mistakes("[[node]]\nname = 5\nclients = \"127.0.0.1:1\"\nbus = \"tcp://127.0.0.1:2\"\n") ==
        std::vector<std::string>{"2: [[node]] `name` is an integer: write a string, \"...\""});
  const auto all = mistakes("node = [{name = \"\", clients = \"127.0.0.1:1\", bus = \"\"}]\n");
  CHECK(all == std::vector<std::string>{"1: [[node]] `name` is \"\": write 1 to 63 letters, digits, _ or -",
                                        "1: [[node]] `bus` is empty: write tcp://HOST:PORT"});
}

TEST_CASE("a name may appear once") {
  CHECK(mistakes(node("Hill", 1) + node("Hill", 2)) ==
        std::vector<std::string>{"7: [[node]] `name` is \"Hill\", as in line 2: write another name"});
}

TEST_CASE("no two nodes and no two keys may have the same address") {
  CHECK(mistakes(node("Hill", 12140) + node("Smith", 12140)).size() == 2);
  CHECK(mistakes(node("Hill", 12140) + node("Smith", 12240)) ==
        std::vector<std::string>{"8: Smith: `clients` is 127.0.0.1:12240, which is already `bus` of Hill in line 4: "
                                 "write another port"});
  CHECK(mistake_of_node("http = \"localhost:12140\"").find("which is already") != std::string::npos);
  CHECK(mistake_of_node("monitor = \"tcp://127.0.0.1:12140\"").find("which is already") != std::string::npos);
  CHECK(load(kOneNode + "monitor = \"tcp://127.0.0.2:12140\"\n"));
  CHECK(mistakes(node("Hill", 1) + node("Smith", 2, "bus_public = \"tcp://127.0.0.1:101\"")) ==
        std::vector<std::string>{"10: Smith: `bus_public` is also the address of Hill: write another address"});
  const std::string proxy = "bus_public = \"tcp://127.0.0.1:500\"";
  CHECK(mistakes(node("Hill", 1, proxy) + node("Smith", 2, proxy)) ==
        std::vector<std::string>{"10: Smith: `bus_public` is also the address of Hill: write another address"});
}

TEST_CASE("peers must be other nodes of the file, each at most once") {
  CHECK(mistake_of_node("peers = [\"Hill\"]") == "5: Hill: `peers` names itself: remove \"Hill\"");
  CHECK(mistakes(node("Hill", 1, "peers = [\"Smit\"]") + node("Smith", 2)) ==
        std::vector<std::string>{"5: Hill: `peers` names \"Smit\" (did you mean \"Smith\"?), which is not a node of "
                                 "this file: correct or remove it"});
  CHECK(mistakes(node("Hill", 1, "peers = [\"Smith\",\n\"Smith\"]") + node("Smith", 2)) ==
        std::vector<std::string>{"6: Hill: `peers` names \"Smith\" twice: once is enough"});
}

TEST_CASE("a link that one node names exists for both, in the order of the file") {
  const auto config =
      load(node("A", 1, "peers = [\"C\"]") + node("B", 2, "peers = [\"C\", \"A\"]") + node("C", 3) + node("D", 4));
  REQUIRE(config);
  CHECK(config->nodes[0].peers == std::vector<std::string>{"B", "C"});
  CHECK(config->nodes[1].peers == std::vector<std::string>{"A", "C"});
  CHECK(config->nodes[2].peers == std::vector<std::string>{"A", "B"});
  CHECK(config->nodes[3].peers.empty());
}

TEST_CASE("a herd has up to 64 nodes") {
  std::string text;
  for (int i = 0; i < 64; ++i) text += node(fmt::format("n{}", i), 1000 + 200 * i);
  CHECK(load(text));
  CHECK(mistakes(text + node("n64", 30000)) ==
        std::vector<std::string>{"321: [[node]] number 65: a herd has at most 64 nodes: remove some"});
}

TEST_CASE("the state directory is that of the file, else of the environment, else in the home directory") {
  const ScratchDir scratch;
  const ScopedVariable home("HOME", "/home/someone");
  const ScopedVariable xdg("XDG_STATE_HOME", "/xdg");
  const ScopedVariable own("HERD_STATE_DIR", "/own");
  const auto state_dir = [&](const std::string& head) {
    return load_config(scratch.write(head + "\n" + kOneNode))->state_dir;
  };
  CHECK(state_dir("herd.state_dir = \"/set\"") == "/set");
  CHECK(state_dir("herd.state_dir = \"state\"") == scratch.path() / "state");
  CHECK(state_dir("herd.state_dir = \"~/herds/one\"") == "/home/someone/herds/one");
  CHECK(state_dir("") == "/own");
  const ScopedVariable no_own("HERD_STATE_DIR", std::nullopt);
  CHECK(state_dir("") == "/xdg/herd");
  const ScopedVariable relative_xdg("XDG_STATE_HOME", "xdg");
  CHECK(state_dir("") == "/home/someone/.local/state/herd");
  const ScopedVariable no_home("HOME", std::nullopt);
  CHECK(mistake_of("[herd]").find("set one of them") != std::string::npos);
}

TEST_CASE("a relative log file is in the node's own directory") {
  const auto config = load("herd.state_dir = \"/s\"\nlog.file = \"node.log\"\n" + kOneNode);
  CHECK(log_file(*config, "Hill") == "/s/nodes/Hill/node.log");
  CHECK(log_file(*load("log.file = \"/var/log/herd.log\"\n" + kOneNode), "Hill") == "/var/log/herd.log");
  CHECK(log_file(*load(kOneNode), "Hill").empty());
}

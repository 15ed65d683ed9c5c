// The addresses of the bus in a configuration, and where the keys are.
#include <fmt/format.h>

#include <sstream>

#include "node/config/config.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

// A valid configuration, four lines.
const std::string kOneNode =
    "[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:12140\"\nbus = \"tcp://127.0.0.1:12240\"\n";

std::string node_on(const std::string& host) {
  return fmt::format("[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:12140\"\nbus = \"tcp://{}:12240\"\n", host);
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
  for (std::string line; std::getline(stream, line);) lines.push_back(line.substr(file.string().size() + 1));
  return lines;
}

// The mistake of a node with `line` as its fifth line. Requires that it is the only one.
std::string mistake_of_node(const std::string& line) {
  const auto all = mistakes(kOneNode + line + "\n");
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("a bus address that other hosts can reach is refused, because the bus is not encrypted") {
  CHECK(load("bus.curve = false\n" + kOneNode));
  for (const auto* host : {"192.0.2.1", "0.0.0.0", "[::]", "[2001:db8::1]"}) {
    const auto all = mistakes("bus.curve = false\n" + node_on(host));
    REQUIRE(all.size() == 1);
    CHECK(all[0].find("5: Hill: `bus` is \"") == 0);
    CHECK(all[0].find("not encrypted: remove curve = false, or write a loopback address") != std::string::npos);
  }
  CHECK(load("bus.curve = false\n" + node_on("[::1]")));
  const auto public_address = [](const std::string& host) {
    return mistakes("bus.curve = false\n" + kOneNode + "bus_public = \"tcp://" + host + ":12250\"\n");
  };
  CHECK(public_address("localhost").empty());
  CHECK(public_address("192.0.2.1").at(0).find("not encrypted") != std::string::npos);
}

TEST_CASE("an encrypted bus, which is the default, may have any IP address, and a wildcard needs bus_public") {
  CHECK(load(kOneNode)->bus.curve);
  for (const auto* host : {"192.0.2.1", "127.0.0.1", "[2001:db8::1]", "[::1]"}) CHECK(load(node_on(host)));
  for (const auto* host : {"0.0.0.0", "[::]"}) {
    const auto all = mistakes(node_on(host));
    REQUIRE(all.size() == 1);
    CHECK(all[0].find("to which no peer can connect: add bus_public") != std::string::npos);
    CHECK(load(node_on(host) + "bus_public = \"tcp://192.0.2.1:12250\"\n"));
    CHECK(mistake_of_node(fmt::format("bus_public = \"tcp://{}:12250\"", host)).find("to which no peer can connect") !=
          std::string::npos);
  }
}

TEST_CASE("two nodes may have equal ports on wildcards if peers reach them at different hosts") {
  const auto node = [](int number, const std::string& bound, const std::string& reached) {
    return fmt::format(
        "[[node]]\nname = \"n{}\"\nclients = \"{}:12140\"\nbus = \"tcp://{}:12240\"\n"
        "bus_public = \"tcp://{}:12240\"\nhttp = \"{}:12440\"\n",
        number, bound, bound, reached, bound);
  };
  const std::string allowed = "clients.allow_plaintext = true\nhttp.allow_remote_http = true\n";
  for (const auto* any : {"0.0.0.0", "[::]"}) {
    CHECK(load(allowed + node(0, any, "n0.example") + node(1, any, "n1.example")));
    CHECK(load(allowed + node(0, any, "192.0.2.1") + node(1, any, "192.0.2.2")));
    CHECK(mistakes(allowed + node(0, any, "n0.example") + node(1, any, "n0.example")).size() == 4);
    CHECK(mistakes(allowed + node(0, any, "n0.example") + node(1, "192.0.2.2", "n1.example")).size() == 3);
  }
}

TEST_CASE("the addresses of the bus may be host names, which are not looked up to check the configuration") {
  for (const auto* host : {"localhost", "herd.example", "no-such-name.invalid", "a-b", "192-0-2-1.example"}) {
    const std::string named = fmt::format("tcp://{}:12250", host);
    CHECK(load(kOneNode + "bus_public = \"" + named + "\"\n")->nodes[0].bus_public == named);
    CHECK(load(node_on(host))->nodes[0].bus == fmt::format("tcp://{}:12240", host));
    CHECK(load(node_on("0.0.0.0") + "bus_public = \"" + named + "\"\n")->nodes[0].bus_public == named);
  }
  CHECK(mistake_of_node("bus_public = \"tcp://herd_example:12250\"").find("neither an IP address nor a name") !=
        std::string::npos);
}

TEST_CASE("an address of the bus that is a host name, except localhost, is refused if the bus is not encrypted") {
  CHECK(load("bus.curve = false\n" + node_on("localhost")));
  const auto all = mistakes("bus.curve = false\n" + node_on("herd.example"));
  REQUIRE(all.size() == 1);
  CHECK(all[0].find("5: Hill: `bus` is \"herd.example\"") == 0);
  CHECK(all[0].find("not encrypted: remove curve = false") != std::string::npos);
}

TEST_CASE("the keys are in the state directory, or in a directory relative to the file") {
  const ScratchDir scratch;
  const auto keys_dir = [&](const std::string& bus) {
    return load_config(scratch.write("[herd]\nstate_dir = \"state\"\n[bus]\n" + bus + kOneNode))->bus.keys_dir;
  };
  CHECK(keys_dir("") == scratch.path() / "state/keys");
  CHECK(keys_dir("keys_dir = \"\"\n") == scratch.path() / "state/keys");
  CHECK(keys_dir("keys_dir = \"mine\"\n") == scratch.path() / "mine");
  CHECK(keys_dir("keys_dir = \"/etc/herd/keys\"\n") == "/etc/herd/keys");
}

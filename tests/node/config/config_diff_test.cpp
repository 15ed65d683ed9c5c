#include "node/config/config_diff.hpp"

#include "tests/catch.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

Config two_nodes() {
  Config config;
  config.state_dir = "/state";
  config.nodes.resize(2);
  config.nodes[0] = {"Hill", {"127.0.0.1", 1}, "tcp://127.0.0.1:2", "tcp://127.0.0.1:2", "", {}, {"Smith"}};
  config.nodes[1] = {"Smith", {"127.0.0.1", 3}, "tcp://127.0.0.1:4", "tcp://127.0.0.1:4", "", {}, {"Hill"}};
  return config;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("equal configurations have no differences") {
  const auto config = two_nodes();
  const auto changes = diff({config, config}, "Hill");
  CHECK(changes.live.empty());
  CHECK(changes.restart.empty());
}

TEST_CASE(
    "settings of clients, watches and HTTP, replicas, ack_timeout and the log level are live, others need a restart") {
  const auto running = two_nodes();
  auto fresh = running;
  fresh.clients = {CommandSet::Seed,
                   InvalidArgumentsPolicy::Reply,
                   100,
                   5,
                   6,
                   1s,
                   2s,
                   true,
                   "/cert",
                   "/key",
                   TlsVersion::Tls13,
                   nullptr,
                   Authentication::Token,
                   "/tokens",
                   true,
                   7,
                   3s};
  fresh.watches = {1, 2};
  fresh.log = {"debug", "x.log", LogFormat::Json};
  fresh.bus = {false, "/keys", 1, 2};
  fresh.updates = {Acknowledge::Fsync, 1, 1s};
  fresh.places = {{}, 1s, 2s, "OTHER", "/key", "https://a.example", "https://b.example"};
  fresh.http = {true, "/cert", "/key", nullptr, Authentication::Token, true, 1s};
  fresh.herd_name = "other";
  fresh.state_dir = "/elsewhere";
  const auto changes = diff({running, fresh}, "Hill");
  CHECK(changes.live == Keys{"clients.commands",
                             "clients.invalid_arguments",
                             "clients.max_line_bytes",
                             "clients.max_connections",
                             "clients.max_clients",
                             "clients.idle_timeout",
                             "clients.max_future",
                             "clients.tls",
                             "clients.tls_cert",
                             "clients.tls_key",
                             "clients.tls_min_version",
                             "clients.auth",
                             "clients.tokens",
                             "clients.max_connections_per_address",
                             "clients.first_line_timeout",
                             "watches.max_per_node",
                             "watches.max_members",
                             "updates.replicas",
                             "updates.ack_timeout",
                             "http.tls",
                             "http.tls_cert",
                             "http.tls_key",
                             "http.auth",
                             "log.level"});
  CHECK(changes.restart == Keys{"herd.name", "herd.state_dir", "bus.curve", "bus.keys_dir", "bus.max_in_flight",
                                "bus.max_batch", "updates.ack", "places.providers", "places.timeout",
                                "places.cache_ttl", "places.key_env", "places.key_file", "places.google_url",
                                "places.google_legacy_url", "http.ready_timeout", "log.file", "log.format"});
}

TEST_CASE("a log file that is resolved already is not a change") {
  auto running = two_nodes();
  running.log.file = "node.log";
  auto fresh = running;
  running.log.file = log_file(running, "Hill");
  CHECK(diff({running, fresh}, "Hill").restart.empty());
}

TEST_CASE("the settings of a node include its own addresses and the public bus addresses of its peers") {
  const auto running = two_nodes();
  auto fresh = running;
  fresh.nodes[1].clients.port = 5;
  CHECK(diff({running, fresh}, "Hill").restart.empty());
  CHECK(diff({running, fresh}, "Smith").restart == Keys{"node.clients"});
  fresh = running;
  fresh.nodes[1].bus_public = "tcp://127.0.0.1:6";
  CHECK(diff({running, fresh}, "Hill").live == Keys{"node.peers"});
  fresh = running;
  fresh.nodes[0] = {
      "Hill", {"127.0.0.1", 7}, "tcp://127.0.0.1:8", "tcp://127.0.0.1:9", "tcp://127.0.0.1:10", {"127.0.0.1", 11}, {}};
  CHECK(diff({running, fresh}, "Hill").restart ==
        Keys{"node.clients", "node.bus", "node.bus_public", "node.monitor", "node.http"});
  CHECK(diff({running, fresh}, "Hill").live == Keys{"node.peers"});
}

TEST_CASE("a removed node has node.name among the settings that need a restart") {
  const auto running = two_nodes();
  auto fresh = running;
  fresh.nodes.erase(fresh.nodes.begin());
  CHECK(diff({running, fresh}, "Hill").restart == Keys{"node.name"});
}

TEST_CASE("after a reload a node has its own former addresses, and the peers and the other nodes of the new file") {
  const auto running = two_nodes();
  auto fresh = running;
  fresh.nodes[0].bus = "tcp://127.0.0.1:9";
  fresh.nodes[1].bus_public = "tcp://127.0.0.1:6";
  fresh.nodes.push_back({"Jaquez", {"127.0.0.1", 5}, "tcp://127.0.0.1:7", "tcp://127.0.0.1:7", "", {}, {"Hill"}});
  fresh.nodes[0].peers = {"Jaquez"};
  fresh.clients.max_line_bytes = 100;
  const auto next = with_nodes_of(running, fresh, "Hill");
  REQUIRE(next.nodes.size() == 3);
  CHECK(next.find("Hill")->bus == "tcp://127.0.0.1:2");
  CHECK(next.find("Hill")->peers == Keys{"Jaquez"});
  CHECK(next.find("Smith")->bus_public == "tcp://127.0.0.1:6");
  CHECK(next.find("Jaquez") != nullptr);
  CHECK(next.clients.max_line_bytes == running.clients.max_line_bytes);
  fresh.nodes.erase(fresh.nodes.begin());
  CHECK(with_nodes_of(running, fresh, "Hill").nodes.size() == 2);
}

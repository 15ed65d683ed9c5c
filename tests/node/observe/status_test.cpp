#include "node/observe/status.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/node/status_example.hpp"

namespace herd::node {
namespace {

using nlohmann::json;

TEST_CASE("the status document has exactly the documented fields") {
  const auto document = json::parse(to_json(example_status()));
  CHECK(document == json::parse(R"({
    "node": "Hill", "incarnation": "ffffffffffffffff", "feed_id": "0020000000000001", "uptime_s": 61.5,
    "digest": "0000000000000abc", "clients": 3, "connections": 2, "tls_handshakes_under_way": 1,
    "journal": {"state": "ok", "trouble": "", "bytes": 4096},
    "queries": {"under_way": 1, "indexed_clients": 3, "index_bytes": 400,
      "counts": {"near": {"answered": 5, "refused": 1}, "count": {"answered": 2}}},
    "watches": {"watches": 2, "members": 4, "events": {"ENTER": 7, "LEAVE": 6}},
    "name_conflict": null,
    "links": {
      "Jaquez": {"state": "up", "address": "tcp://192.0.2.1:12240", "sent": 12, "merged": 11, "kept": 10, "lag": 1,
        "round_trip_us": 250, "skew_us": -1500, "contender": null},
      "Smith": {"state": "half", "address": "", "sent": 0, "merged": 0, "kept": 0, "lag": 0, "round_trip_us": 0,
        "skew_us": 0, "contender": null}},
    "reports": {"Campbell": {"age_s": 0.7, "incarnation": "0000000000000abc", "uptime_s": 2.5, "ready": true,
      "clients": 3, "digest": "0000000000000def", "peers_up": 1, "peers": 2, "updates_per_s": 40}},
    "places": {"google": {"state": "resting", "message": "google is broken", "requests": {"OK": 1, "UNKNOWN_ERROR": 1},
      "mean_request_us": 100000, "cache_hits": 4, "cache_misses": 2, "shared": 1, "stale": 1, "cached": 1,
      "cached_bytes": 900}},
    "counters": {"iamat_stored": 7, "bus_updates_merged": 0}})"));
}

TEST_CASE("the document of the herd has every node of the configuration in its order, also those without a report") {
  auto status = example_status();
  status.nodes = {"Smith", "Hill", "Campbell", "Singh", "Jaquez"};
  status.own_report = protocol::NodeReport{"Hill", 0xabc, 2'500, 700, true, 3, 0xdef, 1, 2, 40};
  const json report = json::parse(R"({"age_s": 0.7, "incarnation": "0000000000000abc", "uptime_s": 2.5, "ready": true,
    "clients": 3, "digest": "0000000000000def", "peers_up": 1, "peers": 2, "updates_per_s": 40})");
  const json links = json::parse(to_json(status)).at("links");
  const json document = json::parse(to_herd_json(status));
  CHECK(document.at("node") == "Hill");
  CHECK(document.at("nodes") ==
        json::array({{{"node", "Smith"}, {"state", "half"}, {"link", links.at("Smith")}, {"report", nullptr}},
                     {{"node", "Hill"}, {"state", "self"}, {"link", nullptr}, {"report", report}},
                     {{"node", "Campbell"}, {"state", "reported"}, {"link", nullptr}, {"report", report}},
                     {{"node", "Singh"}, {"state", "unknown"}, {"link", nullptr}, {"report", nullptr}},
                     {{"node", "Jaquez"}, {"state", "up"}, {"link", links.at("Jaquez")}, {"report", nullptr}}}));
  status.nodes.erase(status.nodes.begin() + 2);
  status.own_report.reset();
  const json without = json::parse(to_herd_json(status)).at("nodes");
  CHECK(without.at(1).at("report") == nullptr);
  CHECK(without.at(4).at("node") == "Campbell");
}

TEST_CASE("the status document is one line") {
  const auto text = to_json(example_status());
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("a node without peers and counters has empty objects in the status") {
  const auto document = json::parse(to_json(Status{}));
  CHECK(document.at("links") == json::object());
  CHECK(document.at("reports") == json::object());
  CHECK(document.at("places") == json::object());
  CHECK(document.at("counters") == json::object());
}

TEST_CASE("large change numbers and counters keep every digit") {
  auto status = example_status();
  status.links[0].sent = 0xffff'ffff'ffff'ffff;
  status.counters["iamat_stored"].value = 0xffff'ffff'ffff'fffe;
  const auto document = json::parse(to_json(status));
  CHECK(document.at("links").at("Jaquez").at("sent").get<std::uint64_t>() == 0xffff'ffff'ffff'ffff);
  CHECK(document.at("counters").at("iamat_stored").get<std::uint64_t>() == 0xffff'ffff'ffff'fffe);
}

TEST_CASE("the status contains the reason why the journal cannot be written") {
  auto status = example_status();
  status.journal.trouble = "No space left on device";
  CHECK(json::parse(to_json(status)).at("journal") ==
        json::parse(R"({"state": "failing", "trouble": "No space left on device", "bytes": 4096})"));
}

TEST_CASE("the status names a second process with the node's name, and with a peer's") {
  auto status = example_status();
  const bus::Claimant other{0xabc, "tcp://192.0.2.7:12240", "192.0.2.7"};
  status.name_conflict = {"Smith", true, other};
  status.links[1].contender = other;
  const auto other_json =
      json::parse(R"({"incarnation": "0000000000000abc", "address": "tcp://192.0.2.7:12240", "host": "192.0.2.7"})");
  auto document = json::parse(to_json(status));
  CHECK(document.at("name_conflict") == json{{"role", "kept"}, {"peer", "Smith"}, {"other", other_json}});
  CHECK(document.at("links").at("Smith").at("contender") == other_json);
  CHECK(document.at("links").at("Jaquez").at("contender").is_null());
  status.name_conflict->keeps_name = false;
  CHECK(json::parse(to_json(status)).at("name_conflict").at("role") == "refused");
}

TEST_CASE("every state of a link has a name") {
  CHECK(to_string(bus::Connected::Down) == "down");
  CHECK(to_string(bus::Connected::Half) == "half");
  CHECK(to_string(bus::Connected::Up) == "up");
}

TEST_CASE("an identity always has sixteen digits") {
  CHECK(hexadecimal(0) == "0000000000000000");
  CHECK(hexadecimal(0xfedc'ba98'7654'3210) == "fedcba9876543210");
}

}  // namespace
}  // namespace herd::node

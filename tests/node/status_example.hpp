// A status with every kind of value, for tests of the code that shows a status.
#pragma once

#include "node/observe/status.hpp"

namespace herd::node {

inline Status example_status() {
  Status status;
  status.node = "Hill";
  status.incarnation = 0xffff'ffff'ffff'ffff;
  status.feed_id = 0x0020'0000'0000'0001;  // 2^53 + 1, which a double cannot hold
  status.uptime = std::chrono::milliseconds(61'500);
  status.digest = 0xabc;
  status.clients = 3;
  status.connections = 2;
  status.tls_handshakes_under_way = 1;
  status.ready = true;
  status.journal.bytes = 4096;
  status.asking = {.queries = {{"near", "answered", 5}, {"near", "refused", 1}, {"count", "answered", 2}},
                   .events = {{"ENTER", 7}, {"LEAVE", 6}},
                   .waiting = 1,
                   .indexed = 3,
                   .index_bytes = 400,
                   .watches = 2,
                   .members = 4};
  status.commands.commands = {{"IAMAT", "answered", 9}, {"IAMAT", "refused", 2}, {"unknown", "invalid", 1}};
  status.commands.durations.add(std::chrono::microseconds(200), 9);
  status.commands.durations.add(std::chrono::seconds(90), 3);
  status.commands.propagation.add(std::chrono::milliseconds(2));
  status.links = {{.peer = "Jaquez",
                   .state = bus::Connected::Up,
                   .address = "tcp://192.0.2.1:12240",
                   .sent = 12,
                   .merged = 11,
                   .durable = 10,
                   .lag = 1,
                   .round_trip = std::chrono::microseconds(250),
                   .skew = std::chrono::microseconds(-1'500),
                   .messages_sent = {4, 500},
                   .messages_received = {3, 400}},
                  {.peer = "Smith", .state = bus::Connected::Half}};
  status.reports = {{"Campbell", 0xabc, 2'500, 700, true, 3, 0xdef, 1, 2, 40}};
  status.counters = {{"iamat_stored", {7, "Reports stored"}}, {"bus_updates_merged", {0, "Updates merged"}}};
  places::Figures google;
  google.provider = "google";
  google.state = places::ProviderState::Resting;
  google.trouble = "google is broken";
  google.count_request(places::Status::Ok);
  google.count_request(places::Status::UnknownError);
  google.count_latency(std::chrono::milliseconds(50));
  google.count_latency(std::chrono::milliseconds(150));
  google.hits = 4;
  google.misses = 2;
  google.shared = 1;
  google.stale = 1;
  google.cached = 1;
  google.cached_bytes = 900;
  status.providers = {google};
  return status;
}

}  // namespace herd::node

// The options of the load generator, read from its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace herd::bench {

enum class Mode : std::uint8_t {
  kIamat,
  kWhatsat,
  kNear,
  kWithin,
  kSet,
  kGeoadd,
  kGeosearch,
  kGeonear,
  kGeobox,
  kNats,
  kHop,
  kNatsHop,
  kWatchHop
};

struct Target {
  std::string host;  // a numeric IPv4 address
  std::uint16_t port = 0;
  bool tls = false;  // connect with TLS
};

struct Options {
  Mode mode = Mode::kIamat;
  // Connection i goes to target i modulo their number. Hop: reports go to the first, queries to the second. NATS: each
  // target has a subscriber, and publishers are distributed over the first `publish_to` targets.
  std::vector<Target> targets;
  std::uint32_t publish_to = 1;
  std::vector<int> pids;  // of the servers, to measure their processor time
  std::uint32_t connections = 50;
  std::uint32_t depth = 16;           // requests in flight on each connection, 1 to 4096
  std::uint32_t clients = 1'000'000;  // number of different ids, at most 10,000,000
  std::uint32_t client_base = 0;      // the first id, so that several generators can use different ids
  std::size_t id_bytes = 13;          // length of an id, 13 to 40
  double rate = 0;                    // the most requests per second; 0: no limit
  double seconds = 3;                 // of measurement, after the warm-up
  double warm_up = 0.3;               // seconds that are not counted
  std::uint64_t count = 0;            // not 0: this number of requests, all measured, instead of `seconds`
  std::string points;                 // whatsat, geosearch: a file of "latitude longitude" lines, queried in turn
  std::uint32_t radius = 10;          // kilometres; of a box half of its side; of the circles that are watched
  std::uint32_t results = 20;         // at most
  std::uint32_t wait = 0;             // set: WAIT for this number of replicas after each batch
  std::uint32_t cities = 0;           // not 0: clients move as a fleet (fleet.hpp) with this number of cities
  std::uint32_t in_cities = 0;        // clients of the fleet that are in cities
  std::uint32_t watches = 0;          // circles that are watched at the same time, each around a client of the fleet
  std::uint32_t watchers = 0;         // connections that each watch all clients at the same time
};

// Reads a command line. After --help or a mistake it prints the text, sets the exit status in `status`, and returns
// nullopt.
std::optional<Options> parse_options(int argc, char** argv, int& status);

}  // namespace herd::bench

// What the load generator was asked to do: its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace herd::bench {

enum class Mode : std::uint8_t { kIamat, kWhatsat, kSet, kGeoadd, kGeosearch, kNats, kHop, kNatsHop };

struct Target {
  std::string host;  // a numeric IPv4 address
  std::uint16_t port = 0;
};

struct Options {
  Mode mode = Mode::kIamat;
  // Connection i goes to target i modulo their number. Hop: told first, asked second. NATS: each has a subscriber, and
  // publishers are dealt out to the first `publish_to` of them.
  std::vector<Target> targets;
  std::uint32_t publish_to = 1;
  std::vector<int> pids;  // of the servers, whose CPU is read
  std::uint32_t connections = 50;
  std::uint32_t depth = 16;           // requests in flight on each connection, 1 to 4096
  std::uint32_t clients = 1'000'000;  // ids cycle through so many, at most 10,000,000
  std::uint32_t client_base = 0;      // the first id, so that several generators keep apart
  std::size_t id_bytes = 13;          // of an id, 13 to 40
  double rate = 0;                    // not 0: so many requests a second at most
  double seconds = 3;                 // measured, after the warm-up
  double warm_up = 0.3;               // seconds that are not counted
  std::uint64_t count = 0;            // not 0: so many requests, all counted, instead of seconds
  std::string points;                 // whatsat, geosearch: a file of "latitude longitude" lines, asked about in turn
  std::uint32_t radius = 10;          // kilometres
  std::uint32_t results = 20;         // at most
  std::uint32_t wait = 0;             // set: WAIT for so many replicas after each batch
};

// The options of a command line; nothing if it has been answered (help, a mistake), with the exit status in `status`.
std::optional<Options> parse_options(int argc, char** argv, int& status);

}  // namespace herd::bench

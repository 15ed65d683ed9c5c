// The configuration of a herd, read from one TOML file. Every mistake is found in one pass and named with its line.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/address.hpp"
#include "protocol/limits.hpp"
#include "protocol/result.hpp"

namespace herd::node {

enum class InvalidArgumentsPolicy : std::uint8_t { Drop, Reply };

struct ClientsConfig {
  InvalidArgumentsPolicy invalid_arguments = InvalidArgumentsPolicy::Drop;
  std::size_t max_line_bytes = protocol::kDefaultMaxLineBytes;
  std::size_t max_connections = 10'000;
  std::size_t max_clients = 20'000'000;  // known to the node, whoever was told; 1 to 1,000,000,000
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds max_future{300'000};
};

struct BusConfig {
  std::size_t max_in_flight = 8;                       // batches a link, 1 to 8
  std::size_t max_batch = protocol::kMaxBatchUpdates;  // updates a batch, 1 to 512
};

// When an IAMAT is answered.
enum class Acknowledge : std::uint8_t {
  Memory,  // at once
  Write,   // once it outlives a crash of the node
  Fsync,   // once it outlives a crash of the machine
};

inline constexpr std::chrono::milliseconds kDefaultAckTimeout{5'000};

struct UpdatesConfig {
  Acknowledge ack = Acknowledge::Write;
  std::size_t replicas = 0;                                    // and once so many peers keep it as well
  std::chrono::milliseconds ack_timeout = kDefaultAckTimeout;  // a connection whose reply had to wait longer is closed
};

struct PlacesConfig {
  std::vector<std::string> providers{"google", "embedded"};  // asked in order
  std::chrono::milliseconds timeout{5'000};                  // for the whole chain
  std::chrono::milliseconds cache_ttl{60'000};               // how long an answer of Google counts as fresh
  std::string key_env = "GOOGLE_PLACES_API_KEY";             // the environment variable that holds the key
  std::filesystem::path key_file;  // resolved; read where the variable is not set. Empty: none
  std::string google_url = "https://places.googleapis.com/v1/places:searchNearby";
  std::string google_legacy_url = "https://maps.googleapis.com/maps/api/place/nearbysearch/json";
};

struct HttpConfig {
  bool allow_remote_http = false;
  std::chrono::milliseconds ready_timeout{2'000};
};

struct LogConfig {
  std::string level = "info";  // trace, debug, info, warning, error
  std::filesystem::path file;  // empty: standard error only; as written, see log_file()
};

struct NodeConfig {
  std::string name;
  Address clients;
  std::string bus;                 // tcp://host:port, bound
  std::string bus_public;          // what peers connect to; equal to `bus` where it is not given
  std::string monitor;             // tcp://host:port, bound; empty: none
  Address http;                    // port 0: none
  std::vector<std::string> peers;  // both directions: a link named on one side stands on both, in file order
};

struct Config {
  std::string herd_name = "local";
  std::filesystem::path state_dir;  // resolved: never empty
  ClientsConfig clients;
  BusConfig bus;
  UpdatesConfig updates;
  PlacesConfig places;
  HttpConfig http;
  LogConfig log;
  std::vector<NodeConfig> nodes;
  std::filesystem::path file;  // where it was read

  // The node of that name, or nullptr.
  [[nodiscard]] const NodeConfig* find(std::string_view name) const;
};

// Reads and checks `file`. The Error's message holds one line for each mistake, `FILE:LINE: what is wrong and what to
// do`.
[[nodiscard]] protocol::Result<Config> load_config(const std::filesystem::path& file);

// Where state lies if the configuration names no place: $HERD_STATE_DIR, $XDG_STATE_HOME/herd or ~/.local/state/herd.
// Empty if none of these variables is of use.
[[nodiscard]] std::filesystem::path default_state_dir();

// What the node `name` keeps for itself: `<state_dir>/nodes/<name>`.
[[nodiscard]] std::filesystem::path node_dir(const Config& config, std::string_view name);

// The file that the node `name` logs to, empty if none: an absolute path is shared by all nodes, a relative one stands
// in the node's own directory.
[[nodiscard]] std::filesystem::path log_file(const Config& config, std::string_view name);

}  // namespace herd::node

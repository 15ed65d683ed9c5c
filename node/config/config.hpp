// The configuration of a herd, read from one TOML file; conf/herd.toml explains every key. load_config() reports all
// mistakes of a file at once, each with its line. Plain values: any thread may read a Config that no thread changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/address.hpp"
#include "node/tls/tls_context.hpp"
#include "protocol/limits.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// The reply to a command with an invalid operand: none, or "? " and a copy of the line.
enum class InvalidArgumentsPolicy : std::uint8_t { Drop, Reply };

// The commands of clients: all, or only IAMAT and WHATSAT.
enum class CommandSet : std::uint8_t { All, Seed };

// Whether a client must show a token.
enum class Authentication : std::uint8_t { None, Token };

struct ClientsConfig {
  CommandSet commands = CommandSet::All;
  InvalidArgumentsPolicy invalid_arguments = InvalidArgumentsPolicy::Drop;
  std::size_t max_line_bytes = protocol::kDefaultMaxLineBytes;
  std::size_t max_connections = 10'000;
  std::size_t max_clients = 20'000'000;  // of all origins that the node knows; 1 to 1,000,000,000
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds max_future{300'000};
  bool tls = false;  // the client port speaks TLS and nothing else
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;  // this and tls_cert are absolute; empty: none
  TlsVersion tls_min_version = TlsVersion::Tls12;
  std::shared_ptr<const TlsContext> tls_context;  // of these files and this version, if `tls`
  Authentication auth = Authentication::None;
  std::filesystem::path tokens;                 // absolute; node/config/tokens.hpp reads it
  bool allow_plaintext = false;                 // permits `clients` beyond loopback without TLS
  std::size_t max_connections_per_address = 0;  // 0: no limit of its own
  std::chrono::milliseconds first_line_timeout{30'000};
};

struct WatchesConfig {
  std::size_t max_per_node = 100'000;   // watches of all connections, 0 to 10,000,000
  std::size_t max_members = 1'000'000;  // of one watch, 1 to 1,000,000,000; one with more members ends
};

struct BusConfig {
  bool curve = true;                                   // false: not encrypted, on loopback addresses only
  std::filesystem::path keys_dir;                      // absolute; where node/config/keys.hpp finds the keys
  std::size_t max_in_flight = 8;                       // batches of one link, 1 to 8
  std::size_t max_batch = protocol::kMaxBatchUpdates;  // updates in one batch, 1 to 512
};

// The condition for the reply to an IAMAT.
enum class Acknowledge : std::uint8_t {
  Memory,  // none: reply at once
  Write,   // the record is written to the journal: it survives a crash of the node
  Fsync,   // the journal is synced to disk: the record survives a crash of the machine
};

inline constexpr std::chrono::milliseconds kDefaultAckTimeout{5'000};

struct UpdatesConfig {
  Acknowledge ack = Acknowledge::Write;
  std::size_t replicas = 0;  // peers that must have the record in their journals too
  std::chrono::milliseconds ack_timeout =
      kDefaultAckTimeout;  // the longest wait of a reply; then its connection is closed
};

struct PlacesConfig {
  std::vector<std::string> providers{"google", "embedded"};  // in the order in which they are asked
  std::chrono::milliseconds timeout{5'000};                  // for all providers together
  std::chrono::milliseconds cache_ttl{60'000};               // how long an answer of Google is reused
  std::string key_env = "GOOGLE_PLACES_API_KEY";             // the environment variable that holds the key
  std::filesystem::path key_file;                            // absolute; read if the variable is not set. Empty: none
  std::string google_url = "https://places.googleapis.com/v1/places:searchNearby";
  std::string google_legacy_url = "https://maps.googleapis.com/maps/api/place/nearbysearch/json";
};

struct HttpConfig {
  bool tls = false;  // the pages are served over TLS, of ClientsConfig::tls_min_version or newer, and nothing else
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;                  // this and tls_cert: those of ClientsConfig if the file has neither
  std::shared_ptr<const TlsContext> tls_context;  // as ClientsConfig::tls_context; the same object for the same files
  Authentication auth = Authentication::None;     // Token: the pages need one of clients.tokens
  bool allow_remote_http = false;
  std::chrono::milliseconds ready_timeout{2'000};
};

struct MonitorConfig {
  bool allow_remote = false;  // permits `monitor` beyond loopback, with CURVE and for the viewers of viewer_keys.hpp
};

enum class LogFormat : std::uint8_t { Text, Json };  // node/observe/log_line.hpp

struct LogConfig {
  std::string level = "info";  // trace, debug, info, warning, error
  std::filesystem::path file;  // as in the file: log_file() resolves it. Empty: standard error only
  LogFormat format = LogFormat::Text;
};

struct NodeConfig {
  std::string name;
  Address clients;
  std::string bus;                 // tcp://host:port, bound
  std::string bus_public;          // the address that peers connect to; equal to `bus` if it is not in the file
  std::string monitor;             // tcp://host:port, bound; empty: none
  Address http;                    // port 0: none
  std::vector<std::string> peers;  // in file order; contains also the nodes that name this one as a peer
};

struct Config {
  std::string herd_name = "local";
  std::filesystem::path state_dir;  // absolute, never empty
  ClientsConfig clients;
  WatchesConfig watches;
  BusConfig bus;
  UpdatesConfig updates;
  PlacesConfig places;
  HttpConfig http;
  MonitorConfig monitor;
  LogConfig log;
  std::vector<NodeConfig> nodes;
  std::filesystem::path file;  // the absolute path of the file

  // Returns the node with that name, or nullptr.
  [[nodiscard]] const NodeConfig* find(std::string_view name) const;
};

// Reads and checks `file`, and the key files and the certificate that it names. The Error's message has one line for
// each mistake: `FILE:LINE: what is wrong: what to do`. Also reads the environment variables of default_state_dir().
[[nodiscard]] protocol::Result<Config> load_config(const std::filesystem::path& file);

// The state directory if `state_dir` is empty: $HERD_STATE_DIR, else $XDG_STATE_HOME/herd, else
// $HOME/.local/state/herd. Returns an empty path if none of these variables can be used.
[[nodiscard]] std::filesystem::path default_state_dir();

// The directory of the node `name` only: `<state_dir>/nodes/<name>`.
[[nodiscard]] std::filesystem::path node_dir(const Config& config, std::string_view name);

// The log file of the node `name`, empty if there is none. All nodes share an absolute path; a relative path is
// relative to the node's own directory.
[[nodiscard]] std::filesystem::path log_file(const Config& config, std::string_view name);

}  // namespace herd::node

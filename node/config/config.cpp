#include "node/config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "node/base/log_levels.hpp"
#include "node/config/config_check.hpp"
#include "node/config/config_reader.hpp"
#include "node/places/api_key.hpp"
#include "node/places/provider_url.hpp"
#include "protocol/name.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Reads the section `name` with the function `read`. The keys that `read` asks for are the known keys of the section.
template <typename Read>
void section(Section& file, std::string_view name, Mistakes& mistakes, Read read) {
  const auto table = file.table(name);
  Section keys(*table.table, {fmt::format("[{}]", name), table.line}, mistakes);
  read(keys);
  keys.finish();
}

std::filesystem::path expand_home(const std::string& text) {
  const char* home = std::getenv("HOME");
  if (home != nullptr && text.starts_with("~/")) return std::filesystem::path(home) / text.substr(2);
  return text;
}

// A path of the file is relative to the file, so that it does not depend on the current directory.
std::filesystem::path relative_to_file(const Config& config, const std::string& text) {
  return (config.file.parent_path() / expand_home(text)).lexically_normal();
}

void read_herd(Section& keys, Config& config) {
  if (keys.read("name", config.herd_name) && !protocol::is_name(config.herd_name)) {
    keys.mistake("name", fmt::format("is \"{}\": {}", config.herd_name, protocol::kNameForm));
  }
  std::string state_dir;
  keys.read("state_dir", state_dir);
  if (state_dir.empty()) {
    config.state_dir = default_state_dir();
    if (config.state_dir.empty()) {
      keys.mistake("state_dir", "is not set, nor is $HERD_STATE_DIR, $XDG_STATE_HOME or $HOME: set one of them");
    }
    return;
  }
  config.state_dir = relative_to_file(config, state_dir);
}

// Reads a path, which is relative to the configuration file. Leaves `into` empty if the key is absent or "".
void read_path(Section& keys, std::string_view key, const Config& config, std::filesystem::path& into) {
  std::string file;
  if (keys.read(key, file) && !file.empty()) into = relative_to_file(config, file);
}

// Returns nullptr after a mistake.
std::shared_ptr<const TlsContext> load_tls(Section& keys, const TlsFiles& files, TlsVersion oldest) {
  const auto is_set = [&](std::string_view key, const std::filesystem::path& file, std::string_view content) {
    if (file.empty()) {
      keys.mistake("tls", fmt::format("is \"on\", but `{}` is not set: write the PEM file with {}", key, content));
    }
    return !file.empty();
  };
  const bool has_cert = is_set("tls_cert", files.certificate, "the certificate and those of its issuers");
  const bool has_key = is_set("tls_key", files.key, "the certificate's private key");
  if (!has_cert || !has_key) return nullptr;
  auto context = TlsContext::load(files, oldest);
  if (context) return std::make_shared<const TlsContext>(std::move(*context));
  const bool is_key = context.error().file == TlsFault::File::Key;
  keys.mistake(is_key ? "tls_key" : "tls_cert",
               fmt::format("is {}, which {}", (is_key ? files.key : files.certificate).string(), context.error().text));
  return nullptr;
}

constexpr std::array<Choice<bool>, 2> kSwitch{{{"off", false}, {"on", true}}};

void read_tls(Section& keys, const Config& config, ClientsConfig& clients) {
  static constexpr std::array<Choice<TlsVersion>, 2> kVersions{
      {{"1.2", TlsVersion::Tls12}, {"1.3", TlsVersion::Tls13}}};
  keys.read_one_of("tls", kSwitch, clients.tls);
  read_path(keys, "tls_cert", config, clients.tls_cert);
  read_path(keys, "tls_key", config, clients.tls_key);
  keys.read_one_of("tls_min_version", kVersions, clients.tls_min_version);
  keys.read("allow_plaintext", clients.allow_plaintext);
  if (clients.tls) clients.tls_context = load_tls(keys, {clients.tls_cert, clients.tls_key}, clients.tls_min_version);
}

void read_commands(Section& keys, ClientsConfig& clients) {
  static constexpr std::array<Choice<CommandSet>, 2> kSets{{{"all", CommandSet::All}, {"seed", CommandSet::Seed}}};
  keys.read_one_of("commands", kSets, clients.commands);
  // At least the bytes that the reply to a too long line contains, at most the size of the read buffer.
  keys.read("max_line_bytes", {protocol::kTooLongEchoBytes, 65'536}, clients.max_line_bytes);
  if (clients.commands == CommandSet::All && clients.max_line_bytes < protocol::kDefaultMaxLineBytes) {
    keys.mistake("max_line_bytes", fmt::format("is {}, which is too short for some commands: write {} or more, or set "
                                               "commands = \"seed\"",
                                               clients.max_line_bytes, protocol::kDefaultMaxLineBytes));
  }
}

constexpr std::array<Choice<Authentication>, 2> kAuthentications{
    {{"none", Authentication::None}, {"token", Authentication::Token}}};

void read_auth(Section& keys, const Config& config, ClientsConfig& clients) {
  keys.read_one_of("auth", kAuthentications, clients.auth);
  clients.tokens = relative_to_file(config, "tokens.toml");
  read_path(keys, "tokens", config, clients.tokens);
  if (clients.auth == Authentication::Token && clients.commands == CommandSet::Seed) {
    keys.mistake("auth", "is \"token\", but commands = \"seed\" makes AUTH an unknown command: remove one of them");
  }
}

void read_clients(Section& keys, const Config& config, ClientsConfig& clients) {
  using Policy = InvalidArgumentsPolicy;
  static constexpr std::array<Choice<Policy>, 2> kPolicies{{{"drop", Policy::Drop}, {"reply", Policy::Reply}}};
  keys.read_one_of("invalid_arguments", kPolicies, clients.invalid_arguments);
  read_commands(keys, clients);
  keys.read("max_connections", {1, 1'000'000}, clients.max_connections);
  keys.read("max_clients", {1, 1'000'000'000}, clients.max_clients);
  keys.read("idle_timeout", {100ms, 24h}, clients.idle_timeout);
  keys.read("max_future", {0ms, 24h}, clients.max_future);
  keys.read("max_connections_per_address", {0, 1'000'000}, clients.max_connections_per_address);
  keys.read("first_line_timeout", {100ms, 24h}, clients.first_line_timeout);
  read_tls(keys, config, clients);
  read_auth(keys, config, clients);
}

void read_watches(Section& keys, WatchesConfig& watches) {
  keys.read("max_per_node", {0, 10'000'000}, watches.max_per_node);
  keys.read("max_members", {1, 1'000'000'000}, watches.max_members);
}

void read_bus(Section& keys, const Config& config, BusConfig& bus) {
  keys.read("curve", bus.curve);
  std::string keys_dir;
  keys.read("keys_dir", keys_dir);
  bus.keys_dir = keys_dir.empty() ? config.state_dir / "keys" : relative_to_file(config, keys_dir);
  keys.read("max_in_flight", {1, 8}, bus.max_in_flight);  // the high-water mark of the bus sockets is above 8
  keys.read("max_batch", {1, protocol::kMaxBatchUpdates}, bus.max_batch);
}

void read_updates(Section& keys, UpdatesConfig& updates) {
  static constexpr std::array<Choice<Acknowledge>, 3> kLevels{
      {{"memory", Acknowledge::Memory}, {"write", Acknowledge::Write}, {"fsync", Acknowledge::Fsync}}};
  keys.read_one_of("ack", kLevels, updates.ack);
  keys.read("replicas", {0, protocol::kMaxNodes - 1}, updates.replicas);
  keys.read("ack_timeout", {10ms, 60s}, updates.ack_timeout);
}

void read_providers(Section& keys, std::vector<std::string>& into) {
  static constexpr std::array<std::string_view, 3> kProviders{"google", "google-legacy", "embedded"};
  std::vector<Placed> providers;
  if (!keys.read("providers", providers)) return;
  into.clear();
  for (const auto& [name, line] : providers) {
    if (std::find(kProviders.begin(), kProviders.end(), name) == kProviders.end()) {
      keys.mistake_at(line, "providers",
                      fmt::format("names \"{}\"{}, which is not a provider: write \"{}\"", name,
                                  did_you_mean(name, kProviders), fmt::join(kProviders, "\", \"")));
    } else if (std::find(into.begin(), into.end(), name) != into.end()) {
      keys.mistake_at(line, "providers", fmt::format("names \"{}\" twice: once is enough", name));
    }
    into.push_back(name);
  }
  if (providers.empty()) keys.mistake("providers", "is empty: write [\"embedded\"]");
}

// Accepts only names of the usual form. An API key that was pasted here has lower-case letters; it is refused, and the
// error does not repeat it.
bool is_variable_name(std::string_view name) {
  const auto is_of_name = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && (name[0] < '0' || name[0] > '9') && std::all_of(name.begin(), name.end(), is_of_name);
}

void read_key_source(Section& keys, const Config& config, PlacesConfig& places) {
  if (keys.read("key_env", places.key_env) && !is_variable_name(places.key_env)) {
    keys.mistake("key_env",
                 "is not the name of a variable (capitals, digits and _): put the key itself into the environment or "
                 "into the file of `key_file`");
  }
  read_path(keys, "key_file", config, places.key_file);
  if (places.key_file.empty()) return;
  if (const auto key = places::read_key_file(places.key_file); !key) {
    keys.mistake("key_file", fmt::format("is {}, which {}", places.key_file.string(), key.error().message));
  }
}

void read_places(Section& keys, const Config& config, PlacesConfig& places) {
  const auto read_url = [&](std::string_view key, std::string& into) {
    if (!keys.read(key, into)) return;
    if (const auto url = places::parse_provider_url(into); !url) keys.mistake(key, url.error().message);
  };
  read_providers(keys, places.providers);
  keys.read("timeout", {10ms, 60s}, places.timeout);
  keys.read("cache_ttl", {0ms, 24h}, places.cache_ttl);
  read_key_source(keys, config, places);
  read_url("google_url", places.google_url);
  read_url("google_legacy_url", places.google_legacy_url);
}

// After read_clients(): the certificate of the clients' port may be that of the pages.
void read_http(Section& keys, const Config& config, HttpConfig& http) {
  keys.read_one_of("tls", kSwitch, http.tls);
  read_path(keys, "tls_cert", config, http.tls_cert);
  read_path(keys, "tls_key", config, http.tls_key);
  const ClientsConfig& clients = config.clients;
  if (http.tls_cert.empty() && http.tls_key.empty()) {
    http.tls_cert = clients.tls_cert;
    http.tls_key = clients.tls_key;
  }
  if (http.tls) {
    const bool has_same = http.tls_cert == clients.tls_cert && http.tls_key == clients.tls_key;
    http.tls_context = has_same && clients.tls_context
                           ? clients.tls_context
                           : load_tls(keys, {http.tls_cert, http.tls_key}, clients.tls_min_version);
  }
  keys.read_one_of("auth", kAuthentications, http.auth);
  keys.read("allow_remote_http", http.allow_remote_http);
  keys.read("ready_timeout", {0ms, 60s}, http.ready_timeout);
}

void read_monitor(Section& keys, MonitorConfig& monitor) {
  keys.read("allow_remote", monitor.allow_remote);
}

void read_log(Section& keys, LogConfig& log) {
  keys.read_one_of("level", kLogLevels, log.level);
  std::string file;
  keys.read("file", file);
  log.file = expand_home(file);
  static constexpr std::array<Choice<LogFormat>, 2> kFormats{{{"text", LogFormat::Text}, {"json", LogFormat::Json}}};
  keys.read_one_of("format", kFormats, log.format);
}

NodeSource read_node(Section& keys, NodeConfig& node) {
  NodeSource source;
  source.line = keys.line();
  std::string clients;
  std::string http;
  const auto note = [&](std::string_view key, bool was_read) {
    if (was_read) source.lines[key] = keys.line_of(key);
    return was_read;
  };
  note("name", keys.require("name", node.name));
  if (note("clients", keys.require("clients", clients))) source.clients = clients;
  note("bus", keys.require("bus", node.bus));
  note("bus_public", keys.read("bus_public", node.bus_public));
  note("monitor", keys.read("monitor", node.monitor));
  if (note("http", keys.read("http", http))) source.http = http;
  keys.read("peers", source.peers);
  return source;
}

std::vector<NodeSource> read_nodes(Section& file, Config& config, Mistakes& mistakes) {
  std::vector<NodeSource> sources;
  for (const auto& [table, line] : file.tables("node")) {
    Section keys(*table, {"[[node]]", line}, mistakes);
    sources.push_back(read_node(keys, config.nodes.emplace_back()));
    keys.finish();
  }
  return sources;
}

}  // namespace

const NodeConfig* Config::find(std::string_view name) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

protocol::Result<Config> load_config(const std::filesystem::path& file) {
  Mistakes mistakes;
  const auto toml = read_toml(file);
  if (!toml) {
    mistakes.add(toml.error().line, toml.error().text);
    return tl::unexpected(mistakes.in(file));
  }
  Config config;
  config.file = std::filesystem::absolute(file).lexically_normal();
  Section keys(*toml, {"", 1}, mistakes);
  section(keys, "herd", mistakes, [&](Section& herd) { read_herd(herd, config); });
  section(keys, "clients", mistakes, [&](Section& clients) { read_clients(clients, config, config.clients); });
  section(keys, "watches", mistakes, [&](Section& watches) { read_watches(watches, config.watches); });
  section(keys, "bus", mistakes, [&](Section& bus) { read_bus(bus, config, config.bus); });
  std::size_t replicas_line = 1;
  section(keys, "updates", mistakes, [&](Section& updates) {
    read_updates(updates, config.updates);
    replicas_line = updates.line_of("replicas");
  });
  section(keys, "places", mistakes, [&](Section& places) { read_places(places, config, config.places); });
  section(keys, "http", mistakes, [&](Section& http) { read_http(http, config, config.http); });
  section(keys, "monitor", mistakes, [&](Section& monitor) { read_monitor(monitor, config.monitor); });
  section(keys, "log", mistakes, [&](Section& log) { read_log(log, config.log); });
  const auto sources = read_nodes(keys, config, mistakes);
  keys.finish();
  check_nodes(sources, config, mistakes);
  check_replicas(replicas_line, config, mistakes);
  if (!mistakes.empty()) return tl::unexpected(mistakes.in(file));
  return config;
}

std::filesystem::path default_state_dir() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto own = variable("HERD_STATE_DIR"); !own.empty())
    return std::filesystem::absolute(own).lexically_normal();
  // The XDG specification requires that a relative path is ignored.
  if (const auto xdg = variable("XDG_STATE_HOME"); xdg.is_absolute()) return xdg / "herd";
  if (const auto home = variable("HOME"); home.is_absolute()) return home / ".local/state/herd";
  return {};
}

std::filesystem::path node_dir(const Config& config, std::string_view name) {
  return config.state_dir / "nodes" / name;
}

std::filesystem::path log_file(const Config& config, std::string_view name) {
  return config.log.file.empty() ? config.log.file : node_dir(config, name) / config.log.file;
}

}  // namespace herd::node

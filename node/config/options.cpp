#include "node/config/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "bus/keys/key_pair.hpp"
#include "node/base/host_lookup.hpp"
#include "node/config/config_diff.hpp"
#include "node/config/flags.hpp"
#include "node/config/keys.hpp"
#include "node/config/port_range.hpp"
#include "node/config/tokens.hpp"

namespace herd::node {
namespace {

constexpr int kBadUsage = 2;
// For all host names together. scripts/herd waits 5 s for --list.
constexpr std::chrono::milliseconds kLookupPatience{2'000};

Invocation bad_usage(std::string_view text) {
  return {{}, kBadUsage, {}, fmt::format("herd-node: {}\n", text)};
}

std::string names_of(const Config& config) {
  std::vector<std::string_view> names;
  for (const auto& node : config.nodes) names.push_back(node.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string name_is_missing(const Config& config) {
  return fmt::format("NAME is missing: write the node to run, one of {}", names_of(config));
}

Invocation task(JournalTask task) {
  Invocation invocation;
  invocation.journal_task = std::move(task);
  return invocation;
}

// Which addresses of a configuration are of this host. The names are looked up once, all at the same time. One that is
// not found in time counts as of another host.
class ThisHost {
 public:
  explicit ThisHost(const Config& config) {
    std::set<std::string> names;
    for (const NodeConfig& node : config.nodes) {
      for (const auto& address : {protocol::Result<Address>(node.clients), place_of(node)}) {
        if (address && !is_literal(*address)) names.insert(address->host);
      }
    }
    found_ = look_up_hosts({names.begin(), names.end()}, kLookupPatience);
  }

  // Whether the node runs on this host. Every host can bind a wildcard, so then the address of the peers counts.
  [[nodiscard]] bool runs(const NodeConfig& node) const {
    const auto place = place_of(node);
    return has(node.clients) && place && has(*place);
  }

  [[nodiscard]] bool has(const Address& address) const {
    if (is_literal(address)) return is_of_this_host(address);
    const auto found = found_.find(address.host);
    return found != found_.end() && std::any_of(found->second.begin(), found->second.end(), [&](const auto& host) {
             return is_of_this_host({host, address.port});
           });
  }

 private:
  // The address of the bus that decides to which host the node belongs.
  [[nodiscard]] static protocol::Result<Address> place_of(const NodeConfig& node) {
    auto bus = parse_endpoint(node.bus);
    return bus && is_wildcard(*bus) ? parse_endpoint(node.bus_public) : bus;
  }

  std::map<std::string, std::vector<std::string>> found_;
};

// The output of --list for scripts, so that only this program parses the configuration. `settings` are those that need
// a restart of the node, `live_settings` those that a reload changes.
std::string list(const Config& config) {
  const ThisHost here(config);
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const auto& node : config.nodes) {
    nlohmann::ordered_json fixed = nlohmann::ordered_json::object();
    nlohmann::ordered_json live = nlohmann::ordered_json::object();
    for (const auto& setting : settings(config, node.name)) (setting.live ? live : fixed)[setting.key] = setting.value;
    nodes.push_back({{"name", node.name},
                     {"clients", to_string(node.clients)},
                     {"bus", node.bus},
                     {"bus_public", node.bus_public},
                     {"monitor", node.monitor},
                     {"http", node.http.port == 0 ? "" : to_string(node.http)},
                     {"peers", node.peers},
                     {"local", here.runs(node)},
                     {"settings", fixed},
                     {"live_settings", live}});
  }
  const nlohmann::ordered_json herd = {{"herd", config.herd_name},
                                       {"config", config.file.string()},
                                       {"state_dir", config.state_dir.string()},
                                       {"curve", config.bus.curve},
                                       {"keys_dir", config.bus.keys_dir.string()},
                                       {"ready_timeout_ms", config.http.ready_timeout.count()},
                                       {"nodes", nodes}};
  // A path need not be valid UTF-8, JSON must be.
  return herd.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// The key files of one node.
struct KeysOfNode {
  std::optional<LoadedKeys> bus;         // nullopt: the bus is not encrypted
  std::optional<LoadedViewers> viewers;  // nullopt: the monitor needs none
};

protocol::Result<KeysOfNode> load_keys_of(const Config& config, std::string_view name) {
  KeysOfNode keys;
  if (name.empty() || !config.bus.curve) return keys;
  auto loaded = load_keys(config, name);
  if (!loaded) return tl::unexpected(loaded.error());
  keys.bus = std::move(*loaded);
  if (!has_remote_monitor(*config.find(name))) return keys;
  auto viewers = load_viewers(config);
  if (!viewers) return tl::unexpected(viewers.error());
  keys.viewers = std::move(*viewers);
  return keys;
}

// The warnings of --check: for settings that are valid but risky. The port range of another host is not known.
std::string warnings(const Config& config, const KeysOfNode& keys) {
  std::string lines;
  const auto add = [&lines](const std::vector<std::string>& sentences) {
    for (const std::string& line : sentences) lines += fmt::format("warning: {}\n", line);
  };
  if (keys.bus) add(keys.bus->warnings);
  if (keys.viewers) add(keys.viewers->warnings);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto& own = config.http.tls_context;
  for (const auto& context : {config.clients.tls_context, own == config.clients.tls_context ? nullptr : own}) {
    if (const auto why = context ? context->invalid_at(now) : std::nullopt) {
      lines += fmt::format("warning: `tls_cert` {}: clients will refuse it: renew it\n", *why);
    }
  }
  const PortRange range = read_port_range();
  const ThisHost here(config);
  for (const auto& node : config.nodes) {
    if (!here.has(node.clients)) continue;
    for (const std::string& sentence : ports_at_risk(node, range)) lines += fmt::format("warning: {}\n", sentence);
  }
  return lines;
}

// Two lines of a `[[key]]` table, which only its owner may read.
std::string new_key() {
  const bus::KeyPair pair = bus::make_key_pair();
  return fmt::format("public = \"{}\"\nsecret = \"{}\"\n", pair.public_key, pair.secret_key);
}

Invocation act(const Flags& flags) {
  if (flags.new_key) return {{}, 0, new_key(), {}};
  if (flags.check_journal) return task({JournalTask::Kind::Check, *flags.check_journal});
  auto config = load_config(flags.config);
  if (!config) return {{}, kBadUsage, {}, config.error().message + "\n"};
  if (!flags.name.empty() && config->find(flags.name) == nullptr) {
    return bad_usage(
        fmt::format("no node \"{}\" in {}: its nodes are {}", flags.name, flags.config, names_of(*config)));
  }
  if (flags.list) return {{}, 0, list(*config), {}};
  if (flags.backup || flags.restore) {  // needs no key, no token
    if (flags.name.empty()) return bad_usage(name_is_missing(*config));
    return task({flags.backup ? JournalTask::Kind::Backup : JournalTask::Kind::Restore,
                 flags.backup ? *flags.backup : *flags.restore, flags.force, std::move(*config), flags.name});
  }
  auto keys = load_keys_of(*config, flags.name);
  if (!keys) return {{}, kBadUsage, {}, keys.error().message + "\n"};
  auto tokens = load_tokens(*config);
  if (!tokens) return {{}, kBadUsage, {}, tokens.error().message + "\n"};
  if (flags.check) {
    return {{},
            0,
            fmt::format("{}: no mistakes, {} nodes: {}\n", flags.config, config->nodes.size(), names_of(*config)),
            warnings(*config, *keys)};
  }
  if (flags.name.empty()) return bad_usage(name_is_missing(*config));
  config->log.file = log_file(*config, flags.name);
  RunNode run{std::move(*config),       flags.name,        {}, flags.discard_journal, std::move(keys->bus),
              std::move(keys->viewers), std::move(*tokens)};
  if (!flags.log_level.empty()) {
    run.log_level = flags.log_level;
    run.config.log.level = flags.log_level;
  }
  return {std::move(run), 0, {}, {}};
}

}  // namespace

Invocation read_command_line(const CommandLine& line) {
  ReadFlags read = read_flags(line.argc, line.argv);
  if (read.flags) return act(*read.flags);
  if (read.is_mistake) return bad_usage(read.text);
  return {{}, 0, std::move(read.text), {}};
}

}  // namespace herd::node

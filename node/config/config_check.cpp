#include "node/config/config_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "protocol/name.hpp"

namespace herd::node {
namespace {

// An address that a node binds.
struct Bound {
  const NodeConfig* node;
  std::string_view key;
  Address address;
  std::size_t line;
};

// The host of a node that binds its bus to a wildcard, as its peers know it. nullopt if the bus is bound to an address.
std::optional<std::string> public_host(const NodeConfig& node) {
  const auto bus = parse_endpoint(node.bus);
  const auto reached = parse_endpoint(node.bus_public);
  if (!bus || !is_wildcard(*bus) || !reached) return std::nullopt;
  return reached->host;
}

// Whether peers reach the two nodes at different hosts. If both names are of one host, the node that starts later
// cannot bind, and its Error names the address.
bool are_on_different_hosts(const NodeConfig& one, const NodeConfig& other) {
  const auto host = public_host(one);
  const auto other_host = public_host(other);
  return host && other_host && host != other_host;
}

class Checker {
 public:
  Checker(const std::vector<NodeSource>& sources, Config& config, Mistakes& mistakes)
      : sources_(sources), config_(config), mistakes_(mistakes) {}

  void check_all() {
    check_count();
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      check_name(i);
      check_clients(i);
      check_bus(i);
      check_monitor(i);
      check_http(i);
    }
    check_ports();
    check_public_addresses();
    link_nodes();
  }

 private:
  void mistake(std::size_t i, std::string_view key, std::string_view text) {
    mistakes_.add(line_of(i, key), fmt::format("{} `{}` {}", called(i), key, text));
  }

  [[nodiscard]] bool has(std::size_t i, std::string_view key) const { return sources_[i].lines.contains(key); }
  [[nodiscard]] std::size_t line_of(std::size_t i, std::string_view key) const { return sources_[i].lines.at(key); }

  // The beginning of a mistake about the node.
  [[nodiscard]] std::string called(std::size_t i) const {
    return config_.nodes[i].name.empty() ? "[[node]]" : config_.nodes[i].name + ":";
  }

  void check_count() {
    if (sources_.empty()) mistakes_.add(1, "there is no [[node]]: add one with name, clients and bus");
    if (sources_.size() > protocol::kMaxNodes) {
      mistakes_.add(sources_[protocol::kMaxNodes].line,
                    fmt::format("[[node]] number {}: a herd has at most {} nodes: remove some", protocol::kMaxNodes + 1,
                                protocol::kMaxNodes));
    }
  }

  void check_name(std::size_t i) {
    if (!has(i, "name")) return;
    const auto& name = config_.nodes[i].name;
    const auto line = line_of(i, "name");
    if (!protocol::is_name(name)) {
      mistakes_.add(line, fmt::format("[[node]] `name` is \"{}\": {}", name, protocol::kNameForm));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (has(j, "name") && config_.nodes[j].name == name) {
        mistakes_.add(line, fmt::format("[[node]] `name` is \"{}\", as in line {}: write another name", name,
                                        line_of(j, "name")));
        return;
      }
    }
  }

  // Parses an address and adds it to the bound ones, or reports it.
  template <typename Parse>
  std::optional<Address> bind(std::size_t i, std::string_view key, const std::string& text, Parse parse) {
    auto address = parse(text);
    if (!address) {
      mistake(i, key, address.error().message);
      return std::nullopt;
    }
    bound_.push_back({&config_.nodes[i], key, *address, line_of(i, key)});
    return *address;
  }

  void check_clients(std::size_t i) {
    if (!sources_[i].clients) return;
    const auto address = bind(i, "clients", *sources_[i].clients, parse_address);
    if (!address) return;
    config_.nodes[i].clients = *address;
    if (!is_loopback(*address) && !config_.clients.tls && !config_.clients.allow_plaintext) {
      mistake(i, "clients",
              fmt::format("is \"{}\", which other hosts can reach in plain text: write 127.0.0.1:{}, or set tls = "
                          "\"on\" or allow_plaintext = true under [clients]",
                          address->host, address->port));
    }
  }

  void check_bus(std::size_t i) {
    auto& node = config_.nodes[i];
    if (node.bus.empty()) {
      if (has(i, "bus")) mistake(i, "bus", "is empty: write tcp://HOST:PORT");
      return;
    }
    const auto address = bind(i, "bus", node.bus, parse_endpoint);
    if (address) check_bus_is_loopback(i, "bus", *address);
    if (node.bus_public.empty()) {
      node.bus_public = node.bus;
      if (address && is_wildcard(*address) && config_.bus.curve) {
        mistake(i, "bus",
                fmt::format("is \"{}\", to which no peer can connect: add bus_public with the address of this host, "
                            "such as tcp://192.0.2.1:{}",
                            address->host, address->port));
      }
      return;
    }
    check_bus_public(i);
  }

  void check_bus_public(std::size_t i) {
    const auto reached = parse_endpoint(config_.nodes[i].bus_public);
    if (!reached) return mistake(i, "bus_public", reached.error().message);
    if (is_wildcard(*reached)) {
      mistake(i, "bus_public",
              fmt::format("is \"{}\", to which no peer can connect: write the address of this host, such as "
                          "tcp://192.0.2.1:{}",
                          reached->host, reached->port));
    } else {
      check_bus_is_loopback(i, "bus_public", *reached);
    }
  }

  void check_bus_is_loopback(std::size_t i, std::string_view key, const Address& address) {
    if (config_.bus.curve || is_loopback(address)) return;
    mistake(
        i, key,
        fmt::format("is \"{}\", which other hosts can reach, but the bus is not encrypted: remove curve = false, or "
                    "write a loopback address, such as tcp://127.0.0.1:{}",
                    address.host, address.port));
  }

  void check_monitor(std::size_t i) {
    const auto& node = config_.nodes[i];
    if (node.monitor.empty()) return;
    const auto address = bind(i, "monitor", node.monitor, parse_endpoint);
    if (!address) return;
    if (!is_literal(*address)) {
      mistake(i, "monitor",
              fmt::format("has the host name \"{}\", which cannot be bound: write an IP address, such as "
                          "tcp://127.0.0.1:{}",
                          address->host, address->port));
      return;
    }
    if (is_loopback(*address)) return;
    if (!config_.monitor.allow_remote) {
      mistake(i, "monitor",
              fmt::format("is \"{}\", which other hosts can reach: write tcp://127.0.0.1:{}, or allow it for viewers "
                          "with a key with allow_remote = true under [monitor]",
                          address->host, address->port));
    } else if (!config_.bus.curve) {
      mistake(i, "monitor",
              fmt::format("is \"{}\", which other hosts can reach, but without encryption the node has no key: remove "
                          "curve = false, or write tcp://127.0.0.1:{}",
                          address->host, address->port));
    }
  }

  void check_http(std::size_t i) {
    if (!sources_[i].http || sources_[i].http->empty()) return;
    const auto address = bind(i, "http", *sources_[i].http, parse_address);
    if (!address) return;
    config_.nodes[i].http = *address;
    const bool allowed = config_.http.allow_remote_http || config_.http.auth == Authentication::Token;
    if (!is_loopback(*address) && !allowed) {
      mistake(i, "http",
              fmt::format("is \"{}\", which other hosts can reach: write 127.0.0.1:{}, or set auth = \"token\" or "
                          "allow_remote_http = true under [http]",
                          address->host, address->port));
    }
  }

  void check_ports() {
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      const auto& one = bound_[i];
      const auto earlier =
          std::find_if(bound_.begin(), bound_.begin() + static_cast<std::ptrdiff_t>(i), [&](const Bound& other) {
            return collide({one.address, other.address}) && !are_on_different_hosts(*one.node, *other.node);
          });
      if (earlier == bound_.begin() + static_cast<std::ptrdiff_t>(i)) continue;
      mistakes_.add(one.line, fmt::format("{}: `{}` is {}, which is already `{}` of {} in line {}: write another port",
                                          one.node->name, one.key, to_string(one.address), earlier->key,
                                          earlier->node->name, earlier->line));
    }
  }

  // If peers connect to two nodes at one address, they can reach only one of them.
  void check_public_addresses() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& mine = config_.nodes[i].bus_public;
      for (std::size_t j = 0; j < sources_.size(); ++j) {
        // An equal `bus` is reported by check_ports(). Of two equal `bus_public` only the later one is reported.
        const bool explicitly = mine != config_.nodes[i].bus;
        const bool later = j < i || config_.nodes[j].bus_public == config_.nodes[j].bus;
        if (i != j && explicitly && later && !mine.empty() && mine == config_.nodes[j].bus_public) {
          mistake(i, "bus_public",
                  fmt::format("is also the address of {}: write another address", config_.nodes[j].name));
          break;
        }
      }
    }
  }

  void check_peer(std::size_t i, const Placed& peer) {
    std::vector<std::string_view> names;
    for (const auto& node : config_.nodes) names.push_back(node.name);
    const auto& [name, line] = peer;
    if (name == config_.nodes[i].name) {
      mistakes_.add(line, fmt::format("{} `peers` names itself: remove \"{}\"", called(i), name));
    } else if (config_.find(name) == nullptr) {
      mistakes_.add(line,
                    fmt::format("{} `peers` names \"{}\"{}, which is not a node of this file: correct or remove it",
                                called(i), name, did_you_mean(name, names)));
    }
    const auto& peers = sources_[i].peers;
    const auto first =
        std::find_if(peers.begin(), peers.end(), [&](const Placed& other) { return other.text == peer.text; });
    if (&*first != &peer) {
      mistakes_.add(line, fmt::format("{} `peers` names \"{}\" twice: once is enough", called(i), name));
    }
  }

  [[nodiscard]] bool names(std::size_t i, const std::string& peer) const {
    const auto& peers = sources_[i].peers;
    return std::any_of(peers.begin(), peers.end(), [&](const Placed& other) { return other.text == peer; });
  }

  // A link that one node names exists for both nodes.
  void link_nodes() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      for (const auto& peer : sources_[i].peers) check_peer(i, peer);
      for (std::size_t j = 0; j < sources_.size(); ++j) {
        if (i != j && (names(i, config_.nodes[j].name) || names(j, config_.nodes[i].name))) {
          config_.nodes[i].peers.push_back(config_.nodes[j].name);
        }
      }
    }
  }

  const std::vector<NodeSource>& sources_;
  Config& config_;
  Mistakes& mistakes_;
  std::vector<Bound> bound_;
};

}  // namespace

void check_nodes(const std::vector<NodeSource>& sources, Config& config, Mistakes& mistakes) {
  Checker(sources, config, mistakes).check_all();
}

void check_replicas(std::size_t line, const Config& config, Mistakes& mistakes) {
  for (const NodeConfig& node : config.nodes) {
    if (node.peers.size() >= config.updates.replicas) continue;
    mistakes.add(line, fmt::format("[updates] `replicas` is {}, but {} has only {} peers: lower it or add peers",
                                   config.updates.replicas, node.name, node.peers.size()));
  }
}

}  // namespace herd::node

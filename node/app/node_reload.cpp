// The part of node/app/node.hpp that reads the configuration and the keys again while the node runs. Keys, viewers and
// the tokens of the present configuration are applied first, whatever becomes of the rest. A mistake in the
// configuration, in its file of tokens or in its certificate leaves the rest as it was. Of the peers, each one that can
// be applied is.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "node/app/certificates.hpp"
#include "node/app/descriptor_limit.hpp"
#include "node/app/node.hpp"
#include "node/app/node_options.hpp"
#include "node/app/reload_log.hpp"
#include "node/app/remote_monitor.hpp"
#include "node/config/config_diff.hpp"
#include "node/config/keys.hpp"
#include "node/config/tokens.hpp"
#include "node/observe/log.hpp"

namespace herd::node {
namespace {

using Refused = std::vector<std::string>;

// The first of these lines.
std::string first_of(const std::string& lines) {
  return lines.substr(0, lines.find('\n'));
}

void append(Refused& all, const Refused& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> Node::reload_and_notify() {
  manager_.reloading(clock_.now().steady);
  Refused refused = reload();
  manager_.reloaded(clock_.now().steady);
  return refused;
}

std::vector<std::string> Node::reload() {
  reopen_log();
  auto fresh = load_config(config_.file);
  const Config next = fresh ? with_nodes_of(config_, *fresh, name_) : config_;
  Refused refused;
  // First: a mistake elsewhere must not delay that a stolen key is revoked.
  if (config_.bus.curve) append(refused, reload_keys(next));
  if (const auto tokens = load_tokens(config_)) use_tokens(*tokens);  // for the same reason
  if (!fresh) {
    spdlog::warn(
        "event=reload_refused reason=\"the configuration has mistakes: the node continues with the previous one\"");
    log_mistakes(fresh.error().message);
    refused.push_back(first_of(fresh.error().message));
    return refused;
  }
  const auto tokens = load_tokens(*fresh);
  if (!tokens) {
    spdlog::warn(
        "event=reload_refused reason=\"the file of tokens has mistakes: the node continues with the previous "
        "one, and with the previous configuration\"");
    log_mistakes(tokens.error().message);
    refused.push_back(first_of(tokens.error().message));
    return refused;
  }
  if (const auto valid = check_certificates(*fresh, clock_.now().wall); !valid) {
    spdlog::warn("event=reload_refused reason=\"{}; the node continues with the previous configuration\"",
                 valid.error().message);
    refused.push_back(valid.error().message);
    return refused;
  }
  const ConfigChanges changes = diff({config_, *fresh}, name_);
  use_settings(*fresh, *tokens);
  const std::size_t replicas = fresh->find(name_) == nullptr ? config_.updates.replicas : fresh->updates.replicas;
  const Refused of_peers = reload_peers_and_replicas(next, replicas);
  for (const std::string& reason : of_peers) spdlog::warn("event=reload_refused reason=\"{}\"", reason);
  append(refused, of_peers);
  for (const std::string& key : changes.live) {
    const bool is_partial = (key == "node.peers" && !of_peers.empty()) ||
                            (key == "updates.replicas" && config_.updates.replicas != replicas);
    if (!is_partial) spdlog::info("event=reloaded key={}", key);
  }
  for (const std::string& key : changes.restart) {
    spdlog::warn("event=reload_needs_restart key={} reason=\"the new value applies after a restart of the node\"", key);
  }
  return refused;
}

// The live settings but those of the peers and `replicas`.
void Node::use_settings(const Config& fresh, const std::shared_ptr<const TokenTable>& tokens) {
  report_certificates(fresh, clock_.now().wall);
  config_.clients = fresh.clients;
  config_.watches = fresh.watches;
  front_end_->use_tls(config_.clients.tls_context);
  if (tokens) spdlog::info("event=tokens_reloaded tokens={}", tokens->size());
  const auto ready_timeout = config_.http.ready_timeout;  // the only key of [http] that needs a restart
  config_.http = fresh.http;
  config_.http.ready_timeout = ready_timeout;
  if (http_) http_->use_tls(config_.http.tls_context);
  use_tokens(tokens);
  config_.updates.ack_timeout = fresh.updates.ack_timeout;
  config_.log.level = fresh.log.level;
  if (!log_level_) (void)set_log_level(config_.log.level);  // the configuration was checked
}

// The files are read again also if the configuration has not changed.
std::vector<std::string> Node::reload_keys(const Config& next) {
  auto fresh = load_keys(next, name_);
  Refused refused;
  if (monitor_ && has_remote_monitor(*config_.find(name_))) {
    const auto own = fresh ? std::optional(fresh->keys.own) : std::nullopt;
    const auto viewers = reload_viewers(*monitor_, config_, own, clock_.now().steady);
    if (!viewers) refused.push_back(first_of(viewers.error().message));
  }
  if (!fresh) {
    spdlog::warn(
        "event=keys_refused reason=\"the key files have mistakes: the node continues with the previous keys\"");
    log_mistakes(fresh.error().message);
    refused.push_back(first_of(fresh.error().message));
    return refused;
  }
  log_key_warnings(fresh->warnings);
  if (bus_->set_keys(std::move(fresh->keys), clock_.now())) spdlog::info("event=keys_reloaded");
  return refused;
}

// ---- peers ----------------------------------------------------------------------------------------------------------

// Less is asked for before peers go, more after they have come. If a new peer is refused, replies may wait for more
// peers than there are: the promise is not lowered, but the answer says so.
Refused Node::reload_peers_and_replicas(const Config& next, std::size_t replicas) {
  if (replicas < config_.updates.replicas) set_replicas(replicas);
  Refused refused = reload_peers(next);
  const std::size_t peers = replica_.peers().size();
  if (config_.updates.replicas > peers) {
    refused.push_back(fmt::format("replies wait for {} peers, but {} has only {}: correct `peers` and reload",
                                  config_.updates.replicas, name_, peers));
  }
  if (replicas <= config_.updates.replicas) return refused;
  if (replicas <= peers) {
    set_replicas(replicas);
  } else {
    refused.push_back(fmt::format("`replicas` stays {}: {} has only {} peers", config_.updates.replicas, name_, peers));
  }
  return refused;
}

void Node::set_replicas(std::size_t replicas) {
  config_.updates.replicas = replicas;
  replica_.set_replicas(replicas, link_limits(config_));
}

Refused Node::reload_peers(const Config& next) {
  const std::vector<std::string>& peers = next.find(name_)->peers;
  if (auto enough = check_descriptors({raise_descriptor_limit(), peers.size()}); !enough) {
    return {"the peers stay: " + enough.error().message};
  }
  bus_watches_.clear();
  Refused refused = change_peers(next);
  watch_bus();
  config_.nodes = next.nodes;
  return refused;
}

// Removes first, so that the link numbers of removed peers are free.
std::vector<std::string> Node::change_peers(const Config& next) {
  const std::vector<std::string>& peers = next.find(name_)->peers;
  for (bus::PeerIndex number = 0; number < replica_.peers().end_number(); ++number) {
    if (!replica_.peers().has(number)) continue;
    const std::string peer = replica_.peers()[number].name;
    if (std::find(peers.begin(), peers.end(), peer) != peers.end()) continue;
    bus_->remove_peer(number);
    replica_.remove_peer(number, clock_.now());
    reporter_->report_removed(number, peer);
  }
  Refused refused;
  for (const std::string& peer : peers) {
    const std::string& address = next.find(peer)->bus_public;
    const auto number = replica_.peers().number_of(peer);
    if (!number) {
      if (auto trouble = add_peer(peer, address)) refused.push_back(std::move(*trouble));
      continue;
    }
    const auto moved = bus_->set_address(*number, address);
    if (!moved) refused.push_back(fmt::format("{} is not reached: {}", peer, moved.error().message));
    if (moved && *moved) reporter_->report_moved(peer, address);
  }
  return refused;
}

std::optional<std::string> Node::add_peer(const std::string& peer, const std::string& address) {
  const bus::PeerIndex number = replica_.add_peer(peer);
  const auto added = bus_->add_peer(number, address);
  if (added) {
    reporter_->report_added(peer, address);
    return std::nullopt;
  }
  replica_.remove_peer(number, clock_.now());
  return fmt::format("{} is not added: {}", peer, added.error().message);
}

}  // namespace herd::node

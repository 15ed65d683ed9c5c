#include "node/config/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "node/base/small_file.hpp"
#include "node/config/config_reader.hpp"
#include "node/config/key_file.hpp"
#include "protocol/installation.hpp"
#include "protocol/name.hpp"

namespace herd::node {
namespace {

using bus::BusKeys;

constexpr std::size_t kMaxKeys = 2;  // of a node: in use, and the next one of a rotation

// A [[key]] table. nullopt after a mistake.
std::optional<bus::KeyPair> read_pair(const Section::Table& table, KeyFile& file) {
  Section keys(*table.table, {"[[key]]", table.line}, file.mistakes());
  bus::KeyPair pair;
  const bool has_public = keys.require("public", pair.public_key);
  const bool has_secret = keys.require("secret", pair.secret_key);
  keys.finish();
  if (!has_public || !has_secret) return std::nullopt;
  const auto belongs = bus::public_key_of(pair.secret_key);
  if (!bus::is_key(pair.public_key)) keys.mistake("public", fmt::format("is not a key: {}", kKeyForm));
  if (!belongs) keys.mistake("secret", fmt::format("is not a key: {}", kKeyForm));
  if (!belongs || !bus::is_key(pair.public_key)) return std::nullopt;
  if (belongs == pair.public_key) return pair;
  keys.mistake("public", "does not belong to `secret`: restore the file, or remove it and run " HERD_COMMAND " keygen");
  return std::nullopt;
}

// The pair in use; empty after a mistake.
bus::KeyPair read_secret(KeyFile& file) {
  const TomlTable toml = file.read(kSecretKeyFile);
  if (!file.is_sound()) return {};
  Section top(toml, {"", 1}, file.mistakes());
  const auto tables = top.tables("key");
  top.finish();
  std::vector<bus::KeyPair> pairs;
  for (const Section::Table& table : tables) {
    if (auto pair = read_pair(table, file)) pairs.push_back(std::move(*pair));
  }
  if (tables.empty()) file.add(1, "there is no [[key]]: remove the file and run " HERD_COMMAND " keygen");
  if (tables.size() > kMaxKeys) {
    file.add(
        tables[kMaxKeys].line,
        fmt::format("[[key]] number {}: a node has at most {} keys: remove one with " HERD_COMMAND " keygen --retire",
                    kMaxKeys + 1, kMaxKeys));
  }
  return pairs.empty() ? bus::KeyPair() : pairs.front();
}

// public.toml, with the line of each node.
class PublicKeys {
 public:
  PublicKeys(KeyFile& file, BusKeys& keys) : file_(file), keys_(keys) {}

  void read() {
    const TomlTable toml = file_.read(kSharedKeyFile);
    if (!file_.is_sound()) return;
    Section top(toml, {"", 1}, file_.mistakes());
    read_keys(top, "revoked", keys_.revoked);
    for (const Section::Table& table : top.tables("node")) read_node(table);
    top.finish();
  }

  // The line of a node; 1 if it is not in the file.
  [[nodiscard]] std::size_t line_of(std::string_view name) const {
    const auto found = lines_.find(name);
    return found == lines_.end() ? 1 : found->second;
  }

  [[nodiscard]] bool is_revoked(const std::string& key) const {
    return std::find(keys_.revoked.begin(), keys_.revoked.end(), key) != keys_.revoked.end();
  }

  // Whether the node has this key, or any key if it is empty, that is not revoked.
  [[nodiscard]] bool has(std::string_view name, std::string_view wanted = {}) const {
    for (const BusKeys::Named& node : keys_.nodes) {
      if (node.name != name) continue;
      for (const std::string& key : node.keys) {
        if ((wanted.empty() || key == wanted) && !is_revoked(key)) return true;
      }
    }
    return false;
  }

 private:
  std::vector<Placed> read_keys(Section& section, std::string_view key, std::vector<std::string>& into) {
    std::vector<Placed> texts;
    section.read(key, texts);
    for (const Placed& text : texts) {
      if (!bus::is_key(text.text)) section.mistake_at(text.line, key, fmt::format("has a wrong key: {}", kKeyForm));
      into.push_back(text.text);
    }
    return texts;
  }

  void read_node(const Section::Table& table) {
    Section section(*table.table, {"[[node]]", table.line}, file_.mistakes());
    BusKeys::Named node;
    const bool named = section.require("name", node.name);
    if (named && !protocol::is_name(node.name)) {
      section.mistake("name", fmt::format("is \"{}\": {}", node.name, protocol::kNameForm));
    }
    if (named && !lines_.emplace(node.name, table.line).second) {
      section.mistake("name", fmt::format("is \"{}\", as in line {}: write all keys of a node into one [[node]]",
                                          node.name, lines_.at(node.name)));
    }
    const std::vector<Placed> keys = read_keys(section, "keys", node.keys);
    section.finish();
    if (keys.empty()) section.mistake("keys", "has no key: add one, or remove the [[node]]");
    if (keys.size() > kMaxKeys) {
      section.mistake("keys",
                      fmt::format("has {} keys, but a node has at most {}: remove the oldest", keys.size(), kMaxKeys));
    }
    for (const Placed& key : keys) claim(section, node.name, key);
    keys_.nodes.push_back(std::move(node));
  }

  // A key identifies one node.
  void claim(Section& section, const std::string& name, const Placed& key) {
    const auto [owner, is_new] = owners_.emplace(key.text, name);
    if (is_new) return;
    section.mistake_at(key.line, "keys",
                       owner->second == name ? "names one key twice: once is enough"
                                             : fmt::format("has a key that is also {}'s: give each node a key of its "
                                                           "own, with " HERD_COMMAND " keygen",
                                                           owner->second));
  }

  KeyFile& file_;
  BusKeys& keys_;
  std::map<std::string, std::size_t, std::less<>> lines_;  // by the name of a node
  std::map<std::string, std::string> owners_;              // by key
};

void warn_of_peers(const Config& config, std::string_view name, const PublicKeys& known, KeyFile& file) {
  for (const std::string& peer : config.find(name)->peers) {
    if (known.has(peer)) continue;
    file.warn(
        known.line_of(peer),
        fmt::format("there is no valid key of {}, a peer of {}, so their link is down: add its [[node]] table from "
                    "the public.toml of its host, then run " HERD_COMMAND " reload",
                    peer, name));
  }
}

void warn_of_own(const bus::KeyPair& own, std::string_view name, const PublicKeys& known, KeyFile& file) {
  if (known.is_revoked(own.public_key)) {
    file.warn(1, fmt::format(
                     "the key that {0} uses is revoked, so its peers refuse it: remove {0}.secret and run " HERD_COMMAND
                     " keygen {0}",
                     name));
  } else if (!known.has(name, own.public_key)) {
    file.warn(known.line_of(name),
              fmt::format("the key that {0} uses is not among its `keys`, so peers with this file "
                          "refuse it: run " HERD_COMMAND " keygen {0}, and copy the file to every host",
                          name));
  }
}

}  // namespace

protocol::Result<LoadedKeys> load_keys(const Config& config, std::string_view name) {
  const std::filesystem::path& directory = config.bus.keys_dir;
  const std::string keygen = fmt::format("run " HERD_COMMAND " keygen {}", name);
  KeyFile secret(directory / fmt::format("{}.secret", name), keygen);
  KeyFile shared(directory / "public.toml", keygen);
  LoadedKeys loaded;
  std::error_code ignored;
  if (std::filesystem::exists(directory, ignored)) {
    if (const auto is_private = check_private_directory(directory); !is_private) {
      return protocol::fail(
          fmt::format("{}:1: the directory of the keys {}", directory.string(), is_private.error().message));
    }
  }
  loaded.keys.own = read_secret(secret);
  PublicKeys known(shared, loaded.keys);
  known.read();
  std::string mistakes;
  secret.append_mistakes(mistakes);
  shared.append_mistakes(mistakes);
  if (!mistakes.empty()) return protocol::fail(std::move(mistakes));
  warn_of_own(loaded.keys.own, name, known, shared);
  warn_of_peers(config, name, known, shared);
  loaded.warnings = shared.warnings();
  return loaded;
}

}  // namespace herd::node

#include "node/config/keys.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.hpp"
#include "tests/node/key_folder.hpp"

using namespace herd::node;
using herd::bus::KeyPair;
using herd::bus::make_key_pair;

namespace {

// Hill and its peer Smith, with good key files.
struct Keys {
  KeyFolder folder;
  KeyPair hill = make_key_pair();
  KeyPair smith = make_key_pair();
  Config config;

  Keys() {
    config.nodes.resize(2);
    config.nodes[0].name = "Hill";
    config.nodes[0].peers = {"Smith"};
    config.nodes[1].name = "Smith";
    config.bus.keys_dir = folder.path();
    folder.write_secret("Hill", key_table(hill));
    folder.write_public(both());
  }
  [[nodiscard]] std::string both() const {
    return "revoked = []\n" + node_table("Hill", {hill.public_key}) + node_table("Smith", {smith.public_key});
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  // The one line of the Error, without the folder.
  [[nodiscard]] std::string mistake() const {
    const auto loaded = load_keys(config, "Hill");
    REQUIRE_FALSE(loaded);
    INFO(loaded.error().message);
    REQUIRE(loaded.error().message.starts_with(folder.path().string()));
    REQUIRE(loaded.error().message.find('\n') == std::string::npos);
    CHECK(loaded.error().message.find(hill.secret_key) == std::string::npos);
    return loaded.error().message.substr(folder.path().string().size());
  }
  [[nodiscard]] std::string mistake_of_secret(const std::string& text) const {
    folder.write_secret("Hill", text);
    return mistake();
  }
  [[nodiscard]] std::string mistake_of_public(const std::string& text) const {
    folder.write_public(text);
    return mistake();
  }
  [[nodiscard]] std::vector<std::string> warnings_of(const std::string& text) const {
    folder.write_public(text);
    const auto loaded = load_keys(config, "Hill");
    REQUIRE(loaded);
    return loaded->warnings;
  }
};

}  // namespace

TEST_CASE("the keys of a node are its own pair and the public keys of all nodes") {
  const Keys keys;
  const KeyPair next = make_key_pair();
  const std::string old = make_key_pair().public_key;
  keys.folder.write_secret("Hill", key_table(keys.hill) + key_table(next));
  keys.folder.write_public(fmt::format("revoked = [\"{}\"]\n", old) +
                           node_table("Hill", {keys.hill.public_key, next.public_key}) +
                           node_table("Smith", {keys.smith.public_key}));
  const auto loaded = load_keys(keys.config, "Hill");
  REQUIRE(loaded);
  CHECK(loaded->warnings.empty());
  CHECK(loaded->keys.own == keys.hill);
  CHECK(loaded->keys.revoked == std::vector<std::string>{old});
  REQUIRE(loaded->keys.nodes.size() == 2);
  CHECK(loaded->keys.nodes[0].name == "Hill");
  CHECK(loaded->keys.nodes[0].keys == std::vector<std::string>{keys.hill.public_key, next.public_key});
  CHECK(loaded->keys.nodes[1].keys == std::vector<std::string>{keys.smith.public_key});
}

TEST_CASE("a missing key file is one line that names the command to run") {
  const Keys keys;
  std::filesystem::remove(keys.path("public.toml"));
  CHECK(keys.mistake() == "/public.toml:1: there is no such file: run scripts/herd keygen Hill");
  keys.folder.write_public(keys.both());
  std::filesystem::remove(keys.path("Hill.secret"));
  CHECK(keys.mistake() == "/Hill.secret:1: there is no such file: run scripts/herd keygen Hill");
}

TEST_CASE("without any keys each of the two missing files is a line") {
  Keys keys;
  keys.config.bus.keys_dir = keys.folder.path() / "none";
  const auto loaded = load_keys(keys.config, "Hill");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message ==
        keys.path("none/Hill.secret") + ":1: there is no such file: run scripts/herd keygen Hill\n" +
            keys.path("none/public.toml") + ":1: there is no such file: run scripts/herd keygen Hill");
}

TEST_CASE("a secret that others may use is refused, and so is a folder that they may use") {
  const Keys keys;
  for (const mode_t mode : {0640U, 0604U, 0620U, 0610U, 0660U}) {
    keys.folder.write_secret("Hill", key_table(keys.hill), mode);
    CHECK(keys.mistake() ==
          fmt::format("/Hill.secret:1: the file may be used by others (mode {:04o}): chmod 600 it", mode));
  }
  keys.folder.write_secret("Hill", key_table(keys.hill), 0400);
  CHECK(load_keys(keys.config, "Hill"));
  for (const mode_t mode : {0750U, 0701U, 0720U}) {
    chmod(keys.folder.path().c_str(), mode);
    CHECK(keys.mistake() ==
          fmt::format(":1: the directory of the keys may be used by others (mode {:04o}): chmod 700 it", mode));
  }
}

TEST_CASE("a secret of another user is refused") {
  if (geteuid() != 0) return;  // only root can give a file away
  const Keys keys;
  REQUIRE(chown(keys.path("Hill.secret").c_str(), 1, 1) == 0);
  CHECK(keys.mistake() == "/Hill.secret:1: the file belongs to another user (1): chown it to the user of the node (0)");
}

TEST_CASE("a secret that is not a regular file is refused without waiting for it") {
  const Keys keys;
  std::filesystem::remove(keys.path("Hill.secret"));
  REQUIRE(mkfifo(keys.path("Hill.secret").c_str(), 0600) == 0);
  CHECK(keys.mistake() == "/Hill.secret:1: the file is not a regular file");
}

TEST_CASE("a half-written secret is refused, wherever it ends") {
  const Keys keys;
  const std::string good = key_table(keys.hill);
  CHECK(keys.mistake_of_secret("") ==
        "/Hill.secret:1: there is no [[key]]: remove the file and run scripts/herd keygen");
  for (std::size_t size = 1; size + 2 < good.size(); ++size) {
    keys.folder.write_secret("Hill", good.substr(0, size));
    const auto loaded = load_keys(keys.config, "Hill");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message.starts_with(keys.path("Hill.secret:")));
  }
  CHECK(keys.mistake_of_secret(good.substr(0, good.find("secret"))) ==
        "/Hill.secret:1: [[key]] has no `secret`: add it");
}

TEST_CASE("a pair of keys must have the form of keys and belong together") {
  const Keys keys;
  const auto pair = [](const std::string& public_key, const std::string& secret_key) {
    return key_table({public_key, secret_key});
  };
  const std::string& secret = keys.hill.secret_key;
  CHECK(keys.mistake_of_secret(pair(keys.smith.public_key, secret)) ==
        "/Hill.secret:2: [[key]] `public` does not belong to `secret`: restore the file, or remove it and run "
        "scripts/herd keygen");
  CHECK(keys.mistake_of_secret(pair(keys.hill.public_key.substr(1), secret)) ==
        "/Hill.secret:2: [[key]] `public` is not a key: a key has 40 characters, as `herd-node --new-key` prints them");
  CHECK(
      keys.mistake_of_secret(pair(keys.hill.public_key, secret + "0")).starts_with("/Hill.secret:3: [[key]] `secret`"));
  CHECK(keys.mistake_of_secret(key_table(keys.hill) + pair("", keys.smith.secret_key))
            .find("/Hill.secret:5: [[key]] `public` is not a key") == 0);
  CHECK(keys.mistake_of_secret(key_table(keys.hill) + "more = 1\n").starts_with("/Hill.secret:4: [[key]] unknown key"));
  CHECK(keys.mistake_of_secret(key_table(keys.hill) + key_table(keys.smith) + key_table(make_key_pair())) ==
        "/Hill.secret:7: [[key]] number 3: a node has at most 2 keys: remove one with scripts/herd keygen --retire");
}

TEST_CASE("mistakes of public.toml name their line") {
  const Keys keys;
  const std::string& key = keys.smith.public_key;
  CHECK(keys.mistake_of_public("[[node]]\nkeys = [\"" + key + "\"]\n") ==
        "/public.toml:1: [[node]] has no `name`: add it");
  CHECK(keys.mistake_of_public(node_table("a b", {key})).starts_with("/public.toml:2: [[node]] `name` is \"a b\""));
  CHECK(
      keys.mistake_of_public(node_table("Smith", {"short"})) ==
      "/public.toml:3: [[node]] `keys` has a wrong key: a key has 40 characters, as `herd-node --new-key` prints them");
  CHECK(keys.mistake_of_public("revoked = [\"x\"]\n").starts_with("/public.toml:1:  `revoked` has a wrong key"));
  CHECK(keys.mistake_of_public(node_table("Smith", {key}) + node_table("Hill", {key})) ==
        "/public.toml:6: [[node]] `keys` has a key that is also Smith's: give each node a key of its own, with "
        "scripts/herd keygen");
  CHECK(keys.mistake_of_public(node_table("Smith", {key, key})) ==
        "/public.toml:3: [[node]] `keys` names one key twice: once is enough");
  CHECK(keys.mistake_of_public(node_table("Smith", {key}) + node_table("Smith", {make_key_pair().public_key})) ==
        "/public.toml:5: [[node]] `name` is \"Smith\", as in line 1: write all keys of a node into one [[node]]");
  CHECK(keys.mistake_of_public(node_table("Smith", {})) ==
        "/public.toml:3: [[node]] `keys` has no key: add one, or remove the [[node]]");
  CHECK(keys.mistake_of_public(node_table("Smith", {key, make_key_pair().public_key, make_key_pair().public_key}))
            .find("has 3 keys, but a node has at most 2") != std::string::npos);
  CHECK(keys.mistake_of_public("[[node]").starts_with("/public.toml:1: TOML syntax error"));
}

TEST_CASE("a peer without a valid key is a warning, because the other links work") {
  const Keys keys;
  const std::string hill = node_table("Hill", {keys.hill.public_key});
  const auto none = keys.warnings_of(hill);
  REQUIRE(none.size() == 1);
  CHECK(none[0] ==
        keys.path("public.toml") +
            ":1: there is no valid key of Smith, a peer of Hill, so their link is down: add its [[node]] table "
            "from the public.toml of its host, then run scripts/herd reload");
  CHECK(keys.warnings_of("revoked = [\"" + keys.smith.public_key + "\"]\n" + hill +
                         node_table("Smith", {keys.smith.public_key}))
            .size() == 1);
}

TEST_CASE("an own key that peers refuse is a warning") {
  const Keys keys;
  const std::string smith = node_table("Smith", {keys.smith.public_key});
  const auto absent = keys.warnings_of(smith + node_table("Hill", {make_key_pair().public_key}));
  REQUIRE(absent.size() == 1);
  CHECK(absent[0].find("public.toml:4: the key that Hill uses is not among its `keys`") != std::string::npos);
  const auto revoked = keys.warnings_of("revoked = [\"" + keys.hill.public_key + "\"]\n" + smith);
  REQUIRE(revoked.size() == 1);
  CHECK(revoked[0].find("public.toml:1: the key that Hill uses is revoked") != std::string::npos);
}

#include "node/config/viewer_keys.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "tests/catch.hpp"
#include "tests/node/key_folder.hpp"

using namespace herd::node;
using herd::bus::make_key_pair;

namespace {

std::string viewer_table(const std::string& name, const std::string& key) {
  return fmt::format("[[viewer]]\nname = \"{}\"\nkey = \"{}\"\n", name, key);
}

struct Folder {
  KeyFolder folder;
  Config config;
  std::string one = make_key_pair().public_key;
  std::string two = make_key_pair().public_key;

  Folder() { config.bus.keys_dir = folder.path(); }

  [[nodiscard]] herd::protocol::Result<LoadedViewers> load(const std::string& text) const {
    folder.write_viewers(text);
    return load_viewers(config);
  }
  // The Error without the folder.
  [[nodiscard]] std::string mistake(const std::string& text) const {
    const auto loaded = load(text);
    REQUIRE_FALSE(loaded);
    REQUIRE(loaded.error().message.starts_with(folder.path().string()));
    return loaded.error().message.substr(folder.path().string().size());
  }
};

}  // namespace

TEST_CASE("viewers.toml gives the name of each key") {
  const Folder folder;
  const auto loaded = folder.load(viewer_table("alice", folder.one) + viewer_table("bob", folder.two));
  REQUIRE(loaded);
  CHECK(loaded->names == ViewerNames{{folder.one, "alice"}, {folder.two, "bob"}});
  CHECK(loaded->warnings.empty());
}

TEST_CASE("without viewers, or without the file, no viewer may connect, which is a warning") {
  const Folder folder;
  for (const bool is_empty : {false, true}) {
    const auto loaded = is_empty ? folder.load("") : load_viewers(folder.config);
    REQUIRE(loaded);
    CHECK(loaded->names.empty());
    REQUIRE(loaded->warnings.size() == 1);
    CHECK(loaded->warnings[0] ==
          folder.folder.path().string() +
              "/viewers.toml:1: no viewer may connect to the monitor yet: run scripts/herd keygen --viewer NAME");
  }
}

TEST_CASE("each mistake of viewers.toml is reported with its line") {
  const Folder folder;
  CHECK(
      folder.mistake(viewer_table("alice", "short")) ==
      "/viewers.toml:3: [[viewer]] `key` is not a key: a key has 40 characters, as `herd-node --new-key` prints them");
  CHECK(folder.mistake(viewer_table("a b", folder.one)).starts_with("/viewers.toml:2: [[viewer]] `name` is \"a b\": "));
  CHECK(
      folder.mistake(viewer_table("alice", folder.one) + viewer_table("bob", folder.one)) ==
      "/viewers.toml:6: [[viewer]] `key` is also alice's: give each viewer a key of its own, with scripts/herd keygen "
      "--viewer");
  CHECK(folder.mistake(viewer_table("alice", folder.one) + viewer_table("alice", folder.two)) ==
        "/viewers.toml:5: [[viewer]] `name` is \"alice\", as of an earlier viewer: write another name");
  CHECK(folder.mistake("[[viewer]]\nname = \"alice\"\n") == "/viewers.toml:1: [[viewer]] has no `key`: add it");
  CHECK(folder.mistake("[[node]]\n").starts_with("/viewers.toml:1: "));
  CHECK(folder.mistake("[[viewer]\n").ends_with("remove the file and run scripts/herd keygen --viewer NAME"));
  std::string many;
  for (std::size_t count = 0; count <= kMaxViewerNames; ++count) {
    many += viewer_table(fmt::format("v{}", count), make_key_pair().public_key);
  }
  CHECK(folder.mistake(many).ends_with("[[viewer]] number 1025: a herd has at most 1024 viewers: remove some"));
}

TEST_CASE("a file of viewers that others may write is refused") {
  const Folder folder;
  REQUIRE(folder.load(viewer_table("alice", folder.one)));
  const std::string path = folder.folder.path() / "viewers.toml";
  for (const mode_t mode : {0664U, 0646U}) {
    chmod(path.c_str(), mode);
    const auto loaded = load_viewers(folder.config);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message.find("chmod 644") != std::string::npos);
  }
  chmod(path.c_str(), 0644);
  CHECK(load_viewers(folder.config));
}

TEST_CASE("a monitor is remote if it is not on loopback") {
  NodeConfig node;
  CHECK_FALSE(has_remote_monitor(node));
  for (const char* local : {"tcp://127.0.0.1:12340", "tcp://[::1]:12340", "tcp://127.9.9.9:1"}) {
    node.monitor = local;
    CHECK_FALSE(has_remote_monitor(node));
  }
  for (const char* remote : {"tcp://0.0.0.0:12340", "tcp://192.0.2.1:12340", "tcp://[::]:12340"}) {
    node.monitor = remote;
    CHECK(has_remote_monitor(node));
  }
}

#include "node/config/viewer_keys.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "node/config/key_file.hpp"
#include "protocol/installation.hpp"
#include "protocol/name.hpp"

namespace herd::node {
namespace {

// The keys are no secrets, but who can write the file admits viewers.
constexpr FileRules kViewersFile{.most_bytes = kSharedKeyFile.most_bytes,
                                 .too_long = kSharedKeyFile.too_long,
                                 .refused_mode = 022,
                                 .wanted_mode = 0644,
                                 .is_of_this_user = true};
constexpr std::string_view kKeygen = "run " HERD_COMMAND " keygen --viewer NAME";

class Reader {
 public:
  Reader(KeyFile& file, ViewerNames& names) : file_(file), names_(names) {}

  void read() {
    const TomlTable toml = file_.read(kViewersFile);
    if (!file_.is_sound()) return;
    Section top(toml, {"", 1}, file_.mistakes());
    const auto tables = top.tables("viewer");
    top.finish();
    for (const Section::Table& table : tables) read_viewer(table);
    if (tables.size() > kMaxViewerNames) {
      file_.add(tables[kMaxViewerNames].line,
                fmt::format("[[viewer]] number {}: a herd has at most {} viewers: remove some", kMaxViewerNames + 1,
                            kMaxViewerNames));
    }
  }

 private:
  void read_viewer(const Section::Table& table) {
    Section section(*table.table, {"[[viewer]]", table.line}, file_.mistakes());
    std::string name;
    std::string key;
    const bool named = section.require("name", name);
    const bool keyed = section.require("key", key);
    section.finish();
    if (named && !protocol::is_name(name)) {
      section.mistake("name", fmt::format("is \"{}\": {}", name, protocol::kNameForm));
    }
    if (named && !known_.insert(name).second) {
      section.mistake("name", fmt::format("is \"{}\", as of an earlier viewer: write another name", name));
    }
    if (keyed) claim(section, name, key);
  }

  void claim(Section& section, const std::string& name, const std::string& key) {
    if (!bus::is_key(key)) {
      section.mistake("key", fmt::format("is not a key: {}", kKeyForm));
    } else if (const auto [owner, is_new] = names_.emplace(key, name); !is_new) {
      section.mistake("key",
                      fmt::format("is also {}'s: give each viewer a key of its own, with " HERD_COMMAND " keygen "
                                  "--viewer",
                                  owner->second));
    }
  }

  KeyFile& file_;
  ViewerNames& names_;
  std::set<std::string> known_;
};

}  // namespace

bool has_remote_monitor(const NodeConfig& node) {
  if (node.monitor.empty()) return false;
  const auto address = parse_endpoint(node.monitor);
  return address && !is_loopback(*address);
}

protocol::Result<LoadedViewers> load_viewers(const Config& config) {
  KeyFile file(config.bus.keys_dir / "viewers.toml", kKeygen);
  LoadedViewers loaded;
  if (file.exists()) Reader(file, loaded.names).read();
  std::string mistakes;
  file.append_mistakes(mistakes);
  if (!mistakes.empty()) return protocol::fail(std::move(mistakes));
  if (loaded.names.empty()) file.warn(1, fmt::format("no viewer may connect to the monitor yet: {}", kKeygen));
  loaded.warnings = file.warnings();
  return loaded;
}

}  // namespace herd::node

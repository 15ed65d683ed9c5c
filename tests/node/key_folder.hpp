// A folder of key files, for tests: as `scripts/herd keygen` writes them.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "bus/keys/key_pair.hpp"
#include "tests/node/scratch_dir.hpp"

namespace herd::node {

inline std::string key_table(const bus::KeyPair& pair) {
  return fmt::format("[[key]]\npublic = \"{}\"\nsecret = \"{}\"\n", pair.public_key, pair.secret_key);
}

inline std::string node_table(const std::string& name, const std::vector<std::string>& keys) {
  return fmt::format("[[node]]\nname = \"{}\"\nkeys = [{}{}{}]\n", name, keys.empty() ? "" : "\"",
                     fmt::join(keys, "\", \""), keys.empty() ? "" : "\"");
}

class KeyFolder {
 public:
  KeyFolder() { chmod(path().c_str(), 0700); }

  [[nodiscard]] const std::filesystem::path& path() const { return scratch_.path(); }

  void write_secret(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    chmod(scratch_.write(text, name + ".secret").c_str(), mode);
  }
  void write_public(const std::string& text) const { (void)scratch_.write(text, "public.toml"); }
  void write_viewers(const std::string& text) const { chmod(scratch_.write(text, "viewers.toml").c_str(), 0644); }

 private:
  ScratchDir scratch_;
};

}  // namespace herd::node

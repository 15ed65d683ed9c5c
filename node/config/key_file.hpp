// One file of keys (node/config/keys.hpp, node/config/viewer_keys.hpp) while it is read, with what is wrong in it. Any
// thread; may wait for the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/small_file.hpp"
#include "node/config/config_reader.hpp"
#include "node/config/toml_file.hpp"

namespace herd::node {

// For a mistake about a text that is not a key.
inline constexpr std::string_view kKeyForm = "a key has 40 characters, as `herd-node --new-key` prints them";

inline constexpr FileRules kSharedKeyFile{.most_bytes = std::size_t{1} << 20U,
                                          .too_long = "has more than 1 MiB: it is not a file of keys"};
inline constexpr FileRules kSecretKeyFile{.most_bytes = kSharedKeyFile.most_bytes,
                                          .too_long = kSharedKeyFile.too_long,
                                          .refused_mode = kOwnerOnly,
                                          .is_of_this_user = true};

class KeyFile {
 public:
  // `remedy`: the command that makes the file.
  KeyFile(std::filesystem::path path, std::string_view remedy) : path_(std::move(path)), remedy_(remedy) {}

  [[nodiscard]] bool exists() const;
  // Returns its tables; an empty table after a mistake. A missing file is a mistake.
  [[nodiscard]] TomlTable read(const FileRules& rules);

  Mistakes& mistakes() { return mistakes_; }
  void add(std::size_t line, const std::string& text) { mistakes_.add(line, text); }
  // Adds a fault with which the node can run.
  void warn(std::size_t line, const std::string& text);

  // Appends the mistakes, one line each.
  void append_mistakes(std::string& lines) const;
  [[nodiscard]] bool is_sound() const { return mistakes_.empty(); }
  // One line each, `FILE:LINE: what is wrong: what to do`.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::filesystem::path path_;
  std::string remedy_;
  Mistakes mistakes_;
  std::vector<std::string> warnings_;
};

}  // namespace herd::node

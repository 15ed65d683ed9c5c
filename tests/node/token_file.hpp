// A file of tokens, for tests: as `scripts/herd token` writes it.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "node/config/token_table.hpp"

namespace herd::node {

struct TokenEntry {
  std::string name;
  std::string text;  // the token itself
  std::vector<std::string> tell{"*"};
  std::vector<std::string> see{"*"};
  std::string level = "all";
  std::string more{};  // further lines
};

// A [[token]] table of six lines and `more`.
inline std::string token_entry(const TokenEntry& entry) {
  const auto list = [](const std::vector<std::string>& texts) {
    return texts.empty() ? std::string("[]") : fmt::format("[\"{}\"]", fmt::join(texts, "\", \""));
  };
  std::string hash;
  for (const unsigned char byte : hash_of(entry.text)) hash += fmt::format("{:02x}", byte);
  return fmt::format("[[token]]\nname = \"{}\"\nsha256 = \"{}\"\ntell = {}\nsee = {}\nlevel = \"{}\"\n{}", entry.name,
                     hash, list(entry.tell), list(entry.see), entry.level, entry.more);
}

inline void write_tokens(const std::filesystem::path& file, const std::string& text, mode_t mode = 0600) {
  std::ofstream(file) << text;
  chmod(file.c_str(), mode);
}

}  // namespace herd::node

#include "node/config/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/base/small_file.hpp"
#include "node/config/config_reader.hpp"
#include "node/config/toml_file.hpp"
#include "protocol/digits.hpp"
#include "protocol/installation.hpp"
#include "protocol/name.hpp"

namespace herd::node {
namespace {

using protocol::Nanoseconds;

constexpr FileRules kRules{.most_bytes = std::size_t{1} << 20U,
                           .too_long = "has more than 1 MiB: it is not a file of tokens",
                           .refused_mode = kOwnerOnly,
                           .is_of_this_user = true};
constexpr std::string_view kRemedy = "run " HERD_COMMAND " token new NAME";
constexpr std::string_view kHashForm = "is not a SHA-256 hash, 64 lower-case hexadecimal digits";
constexpr std::array<Choice<TokenLevel>, 3> kLevels{
    {{"events", TokenLevel::Events}, {"latest", TokenLevel::Latest}, {"all", TokenLevel::All}}};

std::optional<unsigned> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return std::nullopt;
}

std::optional<TokenHash> parse_hash(std::string_view text) {
  TokenHash hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    hash[i] = static_cast<unsigned char>(*high * 16 + *low);
  }
  return hash;
}

// Takes a number of exactly `count` digits and `end` from the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, std::size_t count, std::string_view end) {
  const protocol::Digits digits = protocol::take_digits(text);
  if (digits.count != count || !text.starts_with(end)) return std::nullopt;
  text.remove_prefix(end.size());
  return static_cast<unsigned>(digits.value);
}

// Reads YYYY-MM-DDTHH:MM:SSZ, from 1970 to 2199. Leap seconds are not times of POSIX.
std::optional<Nanoseconds> parse_utc(std::string_view text) {
  const auto year = take_number(text, 4, "-");
  const auto month = take_number(text, 2, "-");
  const auto day = take_number(text, 2, "T");
  const auto hour = take_number(text, 2, ":");
  const auto minute = take_number(text, 2, ":");
  const auto second = take_number(text, 2, "Z");
  if (!year || !month || !day || !hour || !minute || !second || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day));
  if (!date.ok() || *year < 1970 || *year > 2199 || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

// The tokens of a file, with the mistakes in it.
class TokenFile {
 public:
  explicit TokenFile(const std::filesystem::path& path) : path_(path) {}

  protocol::Result<std::shared_ptr<const TokenTable>> read() {
    const TomlTable toml = read_toml();
    Section top(toml, {"", 1}, mistakes_);
    const auto tables = top.tables("token");
    top.finish();
    if (tables.size() > kMaxTokens) {
      mistakes_.add(tables[kMaxTokens].line,
                    fmt::format("[[token]] number {}: a node has at most {} tokens: remove some, and give clients of "
                                "one kind a common token",
                                kMaxTokens + 1, kMaxTokens));
    }
    for (const Section::Table& table : tables) read_token(table);
    if (!mistakes_.empty()) return tl::unexpected(mistakes_.in(path_));
    return std::make_shared<const TokenTable>(std::move(tokens_));
  }

 private:
  // Returns an empty table after a mistake.
  TomlTable read_toml() {
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) {
      mistakes_.add(1, fmt::format("there is no such file: {}", kRemedy));
      return {};
    }
    const auto text = read_small_file(path_, kRules);
    if (!text) {
      mistakes_.add(1, fmt::format("the file {}", text.error().message));
      return {};
    }
    auto toml = parse_toml(*text);
    if (toml) return std::move(*toml);
    mistakes_.add(toml.error().line, fmt::format("{}: correct it", toml.error().text));
    return {};
  }

  // Whether the table has the key. An absent key is a mistake.
  static bool has(Section& keys, std::string_view key) {
    std::string ignored;
    return keys.has(key) || keys.require(key, ignored);
  }

  void read_token(const Section::Table& table) {
    Section keys(*table.table, {"[[token]]", table.line}, mistakes_);
    Token token;
    read_name(keys, token);
    read_hash(keys, token);
    read_patterns(keys, "tell", token.tell);
    read_patterns(keys, "see", token.see);
    if (has(keys, "level")) keys.read_one_of("level", kLevels, token.level);
    std::string expires;
    if (keys.read("expires", expires)) {
      const auto time = parse_utc(expires);
      if (!time) keys.mistake("expires", "is not a time in UTC such as \"2027-01-31T00:00:00Z\": correct it");
      token.expires = time.value_or(Nanoseconds::max());
    }
    keys.finish();
    tokens_.push_back(std::move(token));
  }

  void read_name(Section& keys, Token& token) {
    if (!keys.require("name", token.name)) return;
    if (!protocol::is_name(token.name)) {
      keys.mistake("name", fmt::format("is not a name: {}", protocol::kNameForm));
    } else if (const auto [other, is_new] = lines_.emplace(token.name, keys.line()); !is_new) {
      keys.mistake("name", fmt::format("is \"{}\", as in line {}: write another name", token.name, other->second));
    }
  }

  void read_hash(Section& keys, Token& token) {
    std::string text;
    if (!keys.require("sha256", text)) return;
    const auto hash = parse_hash(text);
    if (!hash) {
      keys.mistake("sha256", fmt::format("{}: {}", kHashForm, kRemedy));
    } else if (const auto [other, is_new] = hash_lines_.emplace(*hash, keys.line()); !is_new) {
      keys.mistake("sha256", fmt::format("is also that of line {}: {}", other->second, kRemedy));
    } else {
      token.hash = *hash;
    }
  }

  void read_patterns(Section& keys, std::string_view key, Patterns& into) {
    std::vector<Placed> placed;
    if (!has(keys, key) || !keys.read(key, placed)) return;
    std::vector<std::string> texts;
    std::transform(placed.begin(), placed.end(), std::back_inserter(texts), [](const Placed& one) { return one.text; });
    auto patterns = Patterns::parse(texts);
    if (!patterns) return keys.mistake(key, patterns.error().message);
    into = std::move(*patterns);
  }

  const std::filesystem::path& path_;
  Mistakes mistakes_;
  std::vector<Token> tokens_;
  std::map<std::string, std::size_t> lines_;     // by name
  std::map<TokenHash, std::size_t> hash_lines_;  // by hash
};

}  // namespace

protocol::Result<std::shared_ptr<const TokenTable>> load_tokens(const Config& config) {
  if (config.clients.auth == Authentication::None && config.http.auth == Authentication::None) return nullptr;
  return TokenFile(config.clients.tokens).read();
}

}  // namespace herd::node

// The tokens of clients: who may connect, and what each may name. A table never changes after its construction, so the
// loop and the HTTP thread share one as std::shared_ptr<const TokenTable>; a reload makes a new one. Pure; any thread.
//
// A table contains no token, only the SHA-256 hash of each. A token has at least 128 random bits, so a plain hash is
// enough: a slow one protects passwords, which can be guessed (docs/decisions/0033-tokens.md).
//
//   const auto token = table.find(text_from_the_client, now.wall);
//   if (token == nullptr) ...              // unknown, revoked or expired: the client learns no more than that
//   if (!token->see.allow(client)) ...     // answer as if the client did not exist
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// A check compares the hash with that of every token: about 10 us for 1,000. Many devices can share a token with a
// prefix in `tell`.
inline constexpr std::size_t kMaxTokens = 1'000;
// In one list of a token. Each id that a token limits is compared with all of them.
inline constexpr std::size_t kMaxPatterns = 32;

// Ids of clients: a complete id, or a prefix and `*`. An earlier `*` is a part of the id; `*` alone is every client.
class Patterns {
 public:
  Patterns() = default;  // no client

  // The Error continues a sentence that begins with the key of the list: "has the pattern ...".
  [[nodiscard]] static protocol::Result<Patterns> parse(const std::vector<std::string>& texts);

  [[nodiscard]] bool allow(std::string_view client) const;
  [[nodiscard]] bool empty() const { return texts_.empty(); }
  // The pattern, if there is exactly one. Valid as long as this object.
  [[nodiscard]] std::optional<std::string_view> only() const {
    return texts_.size() == 1 ? std::optional<std::string_view>(texts_.front()) : std::nullopt;
  }

  // As in the answer to AUTH: separated by commas, which no pattern contains.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> texts_;
};

// What a token may ask and watch.
enum class TokenLevel : std::uint8_t {
  Events,  // only the ids of clients that enter or leave; no queries
  Latest,  // also the newest location
  All,
};
[[nodiscard]] std::string_view text_of(TokenLevel level);

using TokenHash = std::array<unsigned char, 32>;
[[nodiscard]] TokenHash hash_of(std::string_view token);

struct Token {
  std::string name;  // for logs; unique in a table
  TokenHash hash{};
  Patterns tell;  // ids that IAMAT may name
  Patterns see;   // ids that answers and events may name
  TokenLevel level = TokenLevel::All;
  protocol::Nanoseconds expires = protocol::Nanoseconds::max();  // since 1970: not valid from then on
};

class TokenTable {
 public:
  // At most kMaxTokens tokens with different names and hashes.
  explicit TokenTable(std::vector<Token> tokens);

  // Returns the token with this text; nullptr if there is none, or if it has expired at the time `wall`, since 1970.
  // The comparison takes the same time for every text of one length.
  [[nodiscard]] std::shared_ptr<const Token> find(std::string_view text, protocol::Nanoseconds wall) const;

  // Returns this table's entry of a token of a former table, which may have other rights now; nullptr if it is revoked.
  [[nodiscard]] std::shared_ptr<const Token> renewed(const Token& former) const { return with_hash(former.hash); }

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }

 private:
  [[nodiscard]] std::shared_ptr<const Token> with_hash(const TokenHash& hash) const;

  std::vector<std::shared_ptr<const Token>> tokens_;
};

}  // namespace herd::node

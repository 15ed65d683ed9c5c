#include "node/config/token_table.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/command.hpp"
#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

static_assert(sizeof(TokenHash) == SHA256_DIGEST_LENGTH);

bool is_pattern(std::string_view text) {
  if (text == "*") return true;
  const std::string_view id = text.ends_with('*') ? text.substr(0, text.size() - 1) : text;
  return protocol::is_client_id(id) && id.find(',') == std::string_view::npos;
}

}  // namespace

Result<Patterns> Patterns::parse(const std::vector<std::string>& texts) {
  if (texts.size() > kMaxPatterns) {
    return fail(fmt::format("has {} patterns: write at most {}", texts.size(), kMaxPatterns));
  }
  for (const std::string& text : texts) {
    if (!is_pattern(text)) {
      return fail(
          fmt::format("has the pattern \"{}\": write an id of 1 to 255 bytes without blanks and commas, such a "
                      "beginning of ids and *, or * for every client",
                      protocol::escape_for_log(text)));
    }
  }
  Patterns patterns;
  patterns.texts_ = texts;
  return patterns;
}

bool Patterns::allow(std::string_view client) const {
  return std::any_of(texts_.begin(), texts_.end(), [&](std::string_view text) {
    return text.ends_with('*') ? client.starts_with(text.substr(0, text.size() - 1)) : client == text;
  });
}

std::string Patterns::text() const {
  return fmt::format("{}", fmt::join(texts_, ","));
}

std::string_view text_of(TokenLevel level) {
  switch (level) {
    case TokenLevel::Events:
      return "events";
    case TokenLevel::Latest:
      return "latest";
    case TokenLevel::All:
      return "all";
  }
  protocol::unreachable();
}

TokenHash hash_of(std::string_view token) {
  TokenHash hash{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
  return hash;
}

TokenTable::TokenTable(std::vector<Token> tokens) {
  HERD_ASSERT(tokens.size() <= kMaxTokens);
  for (Token& token : tokens) tokens_.push_back(std::make_shared<const Token>(std::move(token)));
}

std::shared_ptr<const Token> TokenTable::find(std::string_view text, protocol::Nanoseconds wall) const {
  auto token = with_hash(hash_of(text));
  return token != nullptr && wall < token->expires ? token : nullptr;
}

// Looks at all tokens, whichever is the right one.
std::shared_ptr<const Token> TokenTable::with_hash(const TokenHash& hash) const {
  std::size_t found = tokens_.size();
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (CRYPTO_memcmp(tokens_[i]->hash.data(), hash.data(), hash.size()) == 0) found = i;
  }
  return found < tokens_.size() ? tokens_[found] : nullptr;
}

}  // namespace herd::node

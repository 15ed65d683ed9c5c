#include "node/http/token_guard.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "node/http/limits.hpp"
#include "node/http/page_files.hpp"

namespace herd::node::http {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool is_open(std::string_view path) {
  return path == "/healthz" || path == "/readyz" || is_page_path(path);
}

// The token of `Authorization: Bearer TOKEN`; the scheme in any case. nullopt without such a line.
std::optional<std::string_view> bearer_token(const Request& request) {
  const std::string* line = request.header("authorization");
  if (line == nullptr || line->size() < kScheme.size()) return std::nullopt;
  const auto is_letter = [](char sent, char lower) { return (sent >= 'A' && sent <= 'Z' ? sent + 32 : sent) == lower; };
  if (!std::equal(line->begin(), line->begin() + kScheme.size(), kScheme.begin(), is_letter)) return std::nullopt;
  std::string_view token = *line;
  token.remove_prefix(std::min(token.find_first_not_of(' ', kScheme.size()), token.size()));
  return token;
}

// RFC 9457. `detail` has no characters that JSON escapes.
Response problem(int status, std::string_view title, std::string_view detail) {
  return {status, "application/problem+json",
          fmt::format("{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\"}}\n", title, status,
                      detail)};
}

}  // namespace

TokenGuard::TokenGuard(std::shared_ptr<const TokenTable> tokens)
    : tokens_(std::move(tokens)), wrong_tokens_({kWrongTokensPerSecond, kWrongTokensBurst}) {}

std::optional<Response> TokenGuard::check(const Request& request, const asio::ip::address& from,
                                          const protocol::Now& now) {
  if (tokens_ == nullptr || is_open(request.path)) return std::nullopt;
  const auto token = bearer_token(request);
  if (!token) {
    auto response = problem(401, "Unauthorized",
                            "this page needs a token: send the line Authorization: Bearer TOKEN, with a token that "
                            "scripts/herd token new has printed");
    response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"herd\""});
    return response;
  }
  if (tokens_->find(*token, now.wall) != nullptr) return std::nullopt;
  if (!wrong_tokens_.allows(now.steady)) {
    auto response = problem(429, "Too Many Requests", "there are too many wrong tokens: send a right one");
    response.headers.push_back({"Retry-After", "1"});
    return response;
  }
  spdlog::warn("event=http_token_refused from={} reason=\"an unknown, revoked or expired token\" suppressed={}",
               from.to_string(), wrong_tokens_.take_suppressed(now.steady));
  auto response = problem(401, "Unauthorized",
                          "this token is unknown, revoked or expired: make another one with scripts/herd token new, "
                          "and run scripts/herd reload");
  response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"herd\", error=\"invalid_token\""});
  return response;
}

}  // namespace herd::node::http

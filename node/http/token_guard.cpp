#include "node/http/token_guard.hpp"

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "node/http/credentials.hpp"
#include "node/http/limits.hpp"
#include "node/http/page_files.hpp"
#include "node/http/phone_paths.hpp"
#include "protocol/installation.hpp"

namespace herd::node::http {
namespace {

constexpr std::string_view kApi = "/v1/";

bool is_open(std::string_view path) {
  return path == "/livez" || path == "/healthz" || path == "/readyz" || is_page_path(path);
}

std::optional<std::string> token_in(const Request& request) {
  return is_phone_path(request.path) ? phone_token(request) : bearer_token(request);
}

}  // namespace

TokenGuard::TokenGuard(Tables tables)
    : tables_(std::move(tables)), wrong_tokens_({kWrongTokensPerSecond, kWrongTokensBurst}) {}

std::optional<Response> TokenGuard::check(const Request& request, const asio::ip::address& from,
                                          const protocol::Now& now) {
  const TokenTable* const tokens = table_for(request);
  if (tokens == nullptr || is_open(request.path)) return std::nullopt;
  const auto token = token_in(request);
  if (!token) {
    auto response = problem_response(
        401, "this page needs a token: send the line Authorization: Bearer TOKEN, with a token that " HERD_COMMAND
             " token new has printed");
    response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"herd\""});
    return response;
  }
  if (tokens->find(*token, now.wall) != nullptr) return std::nullopt;
  if (!wrong_tokens_.allows(now.steady)) {
    return retry_later(429, "there are too many wrong tokens: send a right one");
  }
  spdlog::warn("event=http_token_refused from={} reason=\"an unknown, revoked or expired token\" suppressed={}",
               from.to_string(), wrong_tokens_.take_suppressed(now.steady));
  auto response = problem_response(401, "this token is unknown, revoked or expired: make another one with " HERD_COMMAND
                                        " token new, "
                                        "and run " HERD_COMMAND " reload");
  response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"herd\", error=\"invalid_token\""});
  return response;
}

std::shared_ptr<const Token> TokenGuard::token_of(const Request& request, const protocol::Now& now) const {
  const auto token = token_in(request);
  return tables_.api != nullptr && token ? tables_.api->find(*token, now.wall) : nullptr;
}

const TokenTable* TokenGuard::table_for(const Request& request) const {
  const bool is_api = request.path.starts_with(kApi) || is_phone_path(request.path);
  return is_api ? tables_.api.get() : tables_.pages.get();
}

}  // namespace herd::node::http

// Who may read the pages of a node with `[http] auth = "token"`: a request must have the line `Authorization: Bearer
// TOKEN` (RFC 6750) with a token of the table. /livez, /healthz and /readyz stay open, because the probes of load
// balancers and supervisors have no tokens, and these pages contain no more than names of peers. The API below /v1/
// names clients: it also needs a token if `[clients] auth = "token"`, and so do the pages that phones report to, which
// take it in other forms as well (node/http/credentials.hpp). HTTP thread only.
//
// A right token is always accepted. It has at least 128 random bits, so it cannot be guessed at any rate, and a bound
// that also refused right tokens would let a stranger lock others out. Wrong tokens cost a connection each, and only
// kWrongTokensPerSecond of them are answered with 401 and logged; further ones get 429.
#pragma once

#include <asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "node/base/rate_limit.hpp"
#include "node/config/token_table.hpp"
#include "node/http/response.hpp"
#include "protocol/clock.hpp"

namespace herd::node::http {

class TokenGuard {
 public:
  // Which tokens the requests of the two kinds need; nullptr: none.
  struct Tables {
    std::shared_ptr<const TokenTable> pages;
    std::shared_ptr<const TokenTable> api;
  };
  explicit TokenGuard(Tables tables);

  // The tables of a reload.
  void use(Tables tables) { tables_ = std::move(tables); }

  // The refusal of a request from this address, 401 or 429; nullopt: it may be answered.
  [[nodiscard]] std::optional<Response> check(const Request& request, const asio::ip::address& from,
                                              const protocol::Now& now);

  // Whether requests of the API need a token.
  [[nodiscard]] bool api_needs_token() const { return tables_.api != nullptr; }
  // The token of a request of the API that check() has accepted; nullptr: the API needs none, or it has just expired.
  [[nodiscard]] std::shared_ptr<const Token> token_of(const Request& request, const protocol::Now& now) const;

 private:
  [[nodiscard]] const TokenTable* table_for(const Request& request) const;

  Tables tables_;
  RateLimit wrong_tokens_;
};

}  // namespace herd::node::http

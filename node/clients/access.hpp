// Who may do what on the clients' port, with `auth = "token"` of [clients].
//
// The Authenticator has the tokens and bounds the guesses; the front end owns it, all sessions share it. An Access is
// what one connection may do: everything without tokens, nothing until AUTH has named a right token, then what that
// token permits. A reload that revokes a token, or its end, takes the right away at once: see update(). Loop thread
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "node/clients/counters.hpp"
#include "node/clients/token_guesses.hpp"
#include "node/config/token_table.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class Authenticator {
 public:
  explicit Authenticator(Counters& counters) : counters_(counters) {}

  // Connections need a token of this table; those that have one keep it if it is in the table. nullptr: no token is
  // needed.
  void use(std::shared_ptr<const TokenTable> table) {
    table_ = std::move(table);
    ++version_;
  }
  [[nodiscard]] bool is_on() const { return table_ != nullptr; }

 private:
  friend class Access;

  Counters& counters_;
  std::shared_ptr<const TokenTable> table_;
  std::uint32_t version_ = 0;  // of the table
  TokenGuesses guesses_;
};

class Access {
 public:
  // `network`: the client's address, as ClientAddresses::network_of(). The authenticator must outlive it.
  Access(Authenticator& all, std::uint64_t network) : all_(all), network_(network) {}

  // Whether connections need a token.
  [[nodiscard]] bool is_on() const { return all_.is_on(); }
  // Whether the client must send AUTH first.
  [[nodiscard]] bool is_locked() const { return all_.is_on() && token_ == nullptr; }

  enum class Answer : std::uint8_t {
    Right,
    Wrong,      // unknown, revoked, expired or malformed
    Unchecked,  // too many wrong ones from this address: the token was not compared
    NotNow,     // no token is needed, or this connection has one
  };
  // AUTH: `text` is the token; empty: the line is malformed. Counts the outcome.
  [[nodiscard]] Answer authenticate(std::string_view text, const protocol::Now& now);

  // Gives the rights of a token that was compared elsewhere; nullptr: no rights. Call update() then: the token may
  // have been revoked.
  void use(std::shared_ptr<const Token> token) { token_ = std::move(token); }

  // Applies the present table to the token of this connection. Returns that token if it is revoked or has expired: end
  // the connection; else nullptr. Call it before commands are executed, and about once per second.
  [[nodiscard]] std::shared_ptr<const Token> update(protocol::Nanoseconds wall);

  // The rights, while not is_locked().
  [[nodiscard]] bool may_tell(std::string_view client) const { return is_free() || token_->tell.allow(client); }
  [[nodiscard]] bool may_see(std::string_view client) const { return is_free() || token_->see.allow(client); }
  [[nodiscard]] bool may_tell_any() const { return is_free() || !token_->tell.empty(); }
  [[nodiscard]] bool may_query() const { return is_free() || token_->level != TokenLevel::Events; }

  // The token, nullptr if there is none. Valid until the next call of update() or authenticate().
  [[nodiscard]] const Token* token() const { return token_.get(); }

  // The same for work that outlives the line. A token never changes.
  [[nodiscard]] std::shared_ptr<const Token> shared_token() const { return token_; }

  // "none" or "token", as in the configuration.
  [[nodiscard]] std::string_view kind() const { return all_.is_on() ? "token" : "none"; }

 private:
  [[nodiscard]] bool is_free() const { return !all_.is_on(); }

  Authenticator& all_;
  std::shared_ptr<const Token> token_;
  std::uint64_t network_;
  std::uint32_t version_ = 0;  // of the table that token_ is from
};

}  // namespace herd::node

// What a server needs for TLS: its certificate chain, its private key and the versions that it speaks, read from two
// PEM files and checked. The settings follow docs/decisions/0032-tls.md. A context is never changed: to use new files,
// load a new one. Connections keep the context with which they began. Any thread; connections of several threads may
// share a context.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "protocol/clock.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace herd::node {

// The oldest version of TLS that a server accepts. The newest is always 1.3.
enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

struct TlsFiles {
  std::filesystem::path certificate;  // PEM: the server's certificate, then those of its issuers without the root
  std::filesystem::path key;          // PEM: the certificate's private key, without a passphrase
};

// Why files cannot be used. `text` continues a sentence that names the file: "cannot be read (Permission denied)".
struct TlsFault {
  enum class File : std::uint8_t { Certificate, Key };
  File file = File::Certificate;
  std::string text;
};

class TlsContext {
 public:
  // Reads and checks both files, and waits for the disk. A certificate that has expired is no fault, see invalid_at().
  // The key file may have at most the mode 0640: its group may read it, as Debian's group ssl-cert reads the keys in
  // /etc/ssl/private.
  [[nodiscard]] static tl::expected<TlsContext, TlsFault> load(const TlsFiles& files, TlsVersion oldest);

  // Why the certificate is not valid at that time: "expired at 2026-11-29T10:00:00Z". nullopt if it is valid.
  [[nodiscard]] std::optional<std::string> invalid_at(protocol::Nanoseconds wall) const;

  // The end of the certificate's validity, in seconds since 1970.
  [[nodiscard]] std::int64_t expires() const { return expires_; }

  // Owned by this object; SSL_new() takes a reference of its own.
  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };

  TlsContext() = default;

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::int64_t begins_ = 0;
  std::int64_t expires_ = 0;
};

// Returns "2026-11-29T10:00:00Z".
[[nodiscard]] std::string utc_text(std::int64_t seconds);

}  // namespace herd::node

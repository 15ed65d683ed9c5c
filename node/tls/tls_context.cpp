#include "node/tls/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <ctime>
#include <new>
#include <string_view>
#include <utility>

#include "node/tls/pem_files.hpp"
#include "node/tls/tls_errors.hpp"

namespace herd::node {
namespace {

// For TLS 1.2: only suites with forward secrecy and authenticated encryption. All suites of TLS 1.3 have both.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// A client that resumes saves the server a fifth of a handshake's time, so one ticket is enough.
constexpr std::size_t kTickets = 1;

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  return ASN1_TIME_to_tm(time, &broken_down) == 1 ? timegm(&broken_down) : 0;
}

// Returns false if OpenSSL does not permit the versions or the ciphers.
bool set_options(SSL_CTX* context, TlsVersion oldest) {
  const int version = oldest == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(context, version) != 1) return false;
  if (SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) return false;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection holds no buffer. A write may take a part of its bytes, and may be repeated from another address.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A read returns after each message of the handshake protocol, so that TlsStream can count them.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);  // one system call for a record instead of two
  // Sessions are in the clients' tickets only: a cache would hold memory that strangers can fill.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return SSL_CTX_set_num_tickets(context, kTickets) == 1;
}

// Puts the chain and the key, which belong together, into the context.
bool use(SSL_CTX* context, const std::vector<Certificate>& chain, const PrivateKey& key) {
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return false;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return false;
  }
  return SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

tl::expected<TlsContext, TlsFault> TlsContext::load(const TlsFiles& files, TlsVersion oldest) {
  const auto chain = read_chain(files.certificate);
  if (!chain) return tl::unexpected(chain.error());
  const auto key = read_private_key(files.key);
  if (!key) return tl::unexpected(key.error());
  X509* own = chain->front().get();
  if (X509_check_private_key(own, key->get()) != 1) {
    (void)take_tls_error();
    return tl::unexpected(TlsFault{TlsFault::File::Key,
                                   "does not belong to the first certificate of `tls_cert`: write files of one pair"});
  }
  TlsContext loaded;
  loaded.context_.reset(SSL_CTX_new(TLS_server_method()));
  if (!loaded.context_) throw std::bad_alloc();
  const bool is_set = set_options(loaded.context_.get(), oldest);
  if (!is_set ||
      !use(loaded.context_.get(), *chain, *key)) {  // for example a key that is too short for OpenSSL's security level
    return tl::unexpected(
        TlsFault{TlsFault::File::Certificate, fmt::format("cannot be used ({})", take_tls_error().message())});
  }
  loaded.begins_ = seconds_of(X509_get0_notBefore(own));
  loaded.expires_ = seconds_of(X509_get0_notAfter(own));
  return loaded;
}

std::optional<std::string> TlsContext::invalid_at(protocol::Nanoseconds wall) const {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
  if (now > expires_) return fmt::format("expired at {}", utc_text(expires_));
  if (now < begins_) return fmt::format("is not valid before {}", utc_text(begins_));
  return std::nullopt;
}

std::string utc_text(std::int64_t seconds) {
  std::tm broken_down{};
  const std::time_t time = seconds;
  gmtime_r(&time, &broken_down);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", broken_down.tm_year + 1900, broken_down.tm_mon + 1,
                     broken_down.tm_mday, broken_down.tm_hour, broken_down.tm_min, broken_down.tm_sec);
}

}  // namespace herd::node

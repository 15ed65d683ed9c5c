// TLS for the client library, by OpenSSL 1.1.1 or newer. Link herd::client_tls.
//
//   herd::Options options{{"hill.example:12140"}};
//   options.transport = herd::tls({});
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "herd/detail/socket.hpp"
#include "herd/types.hpp"

namespace herd {

struct TlsOptions {
  std::string ca_file{};      // a PEM file of the certificates to trust; empty: those of the system
  std::string server_name{};  // the name that the node's certificate must have; empty: the host in its address
};

namespace detail {

struct TlsDelete {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* tls) const { SSL_free(tls); }
};

// OpenSSL reads and writes memory only, so that each wait has its deadline and no write raises SIGPIPE. One thread.
class TlsStream final : public Stream {
 public:
  // Completes the handshake. Errors: Network, also for a certificate that is not valid; Timeout.
  TlsStream(std::unique_ptr<Stream> inner, SSL_CTX* context, const std::string& name, Deadline deadline)
      : inner_(std::move(inner)), tls_(SSL_new(context)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
    SSL_set_bio(tls_.get(), in_, out_);
    // An address is checked as such, and is never sent as a server name.
    const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), name.c_str()) == 1;
    if (!is_address && (SSL_set1_host(tls_.get(), name.c_str()) != 1 ||
                        SSL_ctrl(tls_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                 const_cast<char*>(name.c_str())) != 1)) {
      throw Error(ErrorKind::Argument, name + " is no name of a host");
    }
    SSL_set_connect_state(tls_.get());
    if (!run([this] { return SSL_do_handshake(tls_.get()); }, deadline)) {
      throw Error(ErrorKind::Timeout, "the TLS handshake is not complete in time");
    }
  }

  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream() override {
    try {
      SSL_shutdown(tls_.get());
      flush(SteadyClock::now());  // close_notify, if it can be sent at once
    } catch (const std::exception&) {
      ERR_clear_error();
    }
  }

  void write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 14));
      const auto count = run([&] { return SSL_write(tls_.get(), bytes.data(), size); }, deadline);
      if (!count) throw Error(ErrorKind::Timeout, "the node takes no bytes");
      if (*count == 0) throw Error(ErrorKind::Network, "the node has closed the connection");
      bytes.remove_prefix(*count);
    }
  }

  std::optional<std::size_t> read(char* to, std::size_t size, Deadline deadline) override {
    const int most = static_cast<int>(std::min<std::size_t>(size, 1 << 14));
    return run([&] { return SSL_read(tls_.get(), to, most); }, deadline);
  }

 private:
  // Repeats a step of OpenSSL until it is done. Returns its result, 0 after the end; nullopt after the deadline.
  template <typename Step>
  std::optional<std::size_t> run(const Step& step, Deadline deadline) {
    while (true) {
      ERR_clear_error();
      const int result = step();
      const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(tls_.get(), result);
      const std::string reason = error == SSL_ERROR_SSL ? reason_of_failure() : "";
      flush(deadline);  // also the alert that says why
      if (error == SSL_ERROR_NONE) return static_cast<std::size_t>(result);
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      if (error != SSL_ERROR_WANT_READ) throw Error(ErrorKind::Network, "TLS: " + reason);
      char bytes[4096];
      const auto count = inner_->read(bytes, sizeof bytes, deadline);
      if (!count) return std::nullopt;
      if (*count == 0) throw Error(ErrorKind::Network, "the node has closed the connection");
      BIO_write(in_, bytes, static_cast<int>(*count));
    }
  }

  void flush(Deadline deadline) {
    char bytes[4096];
    for (int count = 0; (count = BIO_read(out_, bytes, sizeof bytes)) > 0;) {
      inner_->write({bytes, static_cast<std::size_t>(count)}, deadline);
    }
  }

  [[nodiscard]] std::string reason_of_failure() const {
    const long verdict = SSL_get_verify_result(tls_.get());
    if (verdict != X509_V_OK) return std::string("the certificate: ") + X509_verify_cert_error_string(verdict);
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    return reason != nullptr ? reason : "failure";
  }

  std::unique_ptr<Stream> inner_;
  std::unique_ptr<SSL, TlsDelete> tls_;
  BIO* in_;   // owned by tls_: bytes from the node
  BIO* out_;  // owned by tls_: bytes to the node
};

}  // namespace detail

// Returns a transport with TLS 1.2 or newer that checks the node's certificate. Errors: Argument, if `ca_file` cannot
// be read. Copies of the transport share one SSL_CTX; any thread may use them.
inline Transport tls(const TlsOptions& options) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), detail::TlsDelete{});
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool is_read = options.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                           : SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) == 1;
  ERR_clear_error();
  if (!is_read) throw Error(ErrorKind::Argument, "no certificates in " + options.ca_file + ": give a file in PEM form");
  return [context, name = options.server_name](const std::string& host, const std::string& port, Deadline deadline) {
    return std::unique_ptr<Stream>(new detail::TlsStream(detail::Socket::connect(host, port, deadline), context.get(),
                                                         name.empty() ? host : name, deadline));
  };
}

}  // namespace herd

// An HTTP client that speaks TLS on a blocking socket with a deadline. It does not check the server's certificate.
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include "tests/node/http/raw_client.hpp"

namespace herd::node::http {

class TlsRawClient {
 public:
  // Connects from `from_host`, an address of loopback, and makes no handshake. `version`: TLS1_2_VERSION or
  // TLS1_3_VERSION. `receive_buffer` as for RawClient.
  explicit TlsRawClient(std::uint16_t port, const char* from_host = "127.0.0.1", int version = TLS1_3_VERSION,
                        int receive_buffer = 0)
      : plain_(port, from_host, receive_buffer) {
    std::signal(SIGPIPE, SIG_IGN);  // as a node does
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), plain_.descriptor());
    const timeval patience{RawClient::kPatience.count(), 0};
    setsockopt(plain_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  bool handshake() { return SSL_connect(ssl_.get()) == 1; }

  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }

  // Asks the server for new keys, with the next bytes that are sent.
  void request_key_update() { SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED); }

  // Returns more bytes of the server; empty at the end.
  std::string read_some() {
    std::string bytes(1 << 14, '\0');
    const int count = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    has_ended_well_ = count <= 0 && SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN;
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }

  // Returns all bytes until `end` has come; if it is empty or does not come, until the server ends the connection.
  std::string read_until(std::string_view end) {
    std::string all;
    while (end.empty() || all.find(end) == std::string::npos) {
      const std::string more = read_some();
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
  std::string read_to_end() { return read_until({}); }

  // Whether the server has ended the connection with close_notify.
  [[nodiscard]] bool has_ended_well() const { return has_ended_well_; }

  // The common name of the server's certificate.
  std::string name_of_server() {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    std::string name(100, '\0');
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                                               static_cast<int>(name.size()));
    name.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return name;
  }

 private:
  RawClient plain_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool has_ended_well_ = false;
};

// The first message of a TLS client's handshake.
inline std::string client_hello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  BIO* const sent = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), sent);  // owns both
  SSL_connect(ssl.get());
  std::string bytes(1 << 14, '\0');
  const int count = BIO_read(sent, bytes.data(), static_cast<int>(bytes.size()));
  bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return bytes;
}

}  // namespace herd::node::http

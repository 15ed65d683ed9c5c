// A TLS client of a front end on loopback, for tests. It does not check the node's certificate.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/loopback.hpp"

namespace herd::node {

class TlsClient {
 public:
  // `version`: TLS1_2_VERSION or TLS1_3_VERSION.
  explicit TlsClient(LoopbackNode& node, int version = TLS1_3_VERSION)
      : node_(node), plain_(node), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);  // as a node does
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), plain_.socket().native_handle());
    SSL_set_connect_state(ssl_.get());
  }

  // Runs the node until the handshake is complete; false if it fails or takes too long.
  bool handshake() {
    bool failed = false;
    const bool ended = node_.run_until([&] {
      const int result = step([this] { return SSL_do_handshake(ssl_.get()); });
      failed = result <= 0 && !waits(result);
      return result == 1 || failed;
    });
    return ended && !failed;
  }

  // Sends the first message of the handshake, and does not wait for an answer.
  void begin_handshake() {
    (void)step([this] { return SSL_do_handshake(ssl_.get()); });
  }

  // Sends as much as the socket takes; returns how much that was.
  std::size_t send_some(const std::string& bytes) {
    const int sent = step([&] { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); });
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  void send(const std::string& bytes) {
    std::size_t sent = 0;
    REQUIRE(node_.run_until([&] { return (sent += send_some(bytes.substr(sent))) == bytes.size(); }));
  }

  // Sends close_notify.
  void half_close() {
    (void)step([this] { return SSL_shutdown(ssl_.get()); });
  }

  // Asks the node for new keys, with the next bytes that are sent.
  void request_key_update() { SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED); }

  std::string read_once() {
    std::string bytes(1 << 16, '\0');
    const int count = step([&] { return SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); });
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    const int error = SSL_get_error(ssl_.get(), count);
    ended_ = ended_ || error == SSL_ERROR_ZERO_RETURN;
    broken_ = broken_ || (count <= 0 && !waits(count) && error != SSL_ERROR_ZERO_RETURN);
    return bytes;
  }

  // Runs the node until `count` bytes have come or the connection has ended; returns all bytes.
  std::string read(std::size_t count) {
    std::string all;
    CHECK(node_.run_until([&] { return (all += read_once()).size() >= count || ended_ || broken_; }));
    return all;
  }

  // Runs the node until it has sent close_notify; returns all bytes.
  std::string read_to_end() {
    std::string all;
    CHECK(node_.run_until([&] {
      all += read_once();
      return ended_ || broken_;
    }));
    CHECK_FALSE(broken_);
    return all;
  }

  // Runs the node until the connection is closed, in whatever way.
  bool is_closed() {
    return node_.run_until([&] {
      read_once();
      return ended_ || broken_;
    });
  }

  // The common name of the node's certificate.
  std::string name_of_node() {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    REQUIRE(certificate);
    std::string name(100, '\0');
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                                               static_cast<int>(name.size()));
    name.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return name;
  }

  std::string version() { return SSL_get_version(ssl_.get()); }
  LoopbackClient& plain() { return plain_; }

 private:
  template <typename Call>
  int step(Call call) {
    ERR_clear_error();
    return call();
  }
  bool waits(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  LoopbackNode& node_;
  LoopbackClient plain_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace herd::node

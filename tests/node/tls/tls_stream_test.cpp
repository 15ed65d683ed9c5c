#include "node/tls/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "node/base/socket.hpp"
#include "tests/catch.hpp"
#include "tests/node/test_certificate.hpp"

namespace herd::node {
namespace {

// A server's stream over a socket, and a client in memory: the test decides which of its bytes arrive.
struct TlsPair {
  std::array<int, 2> ends{};  // of the server, of the client
  std::unique_ptr<TlsStream> server;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> client{SSL_new(context.get()), SSL_free};
  BIO* received = BIO_new(BIO_s_mem());  // this and the next one belong to `client`
  BIO* sent = BIO_new(BIO_s_mem());

  explicit TlsPair(int version) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    server = std::make_unique<TlsStream>(*make_test_context(), ends[0]);
    SSL_set_bio(client.get(), received, sent);
    SSL_set_max_proto_version(client.get(), version);
    std::error_code error;
    bool is_complete = false;
    for (int step = 0; step < 10 && !is_complete; ++step) {
      SSL_connect(client.get());
      send(take());
      is_complete = server->handshake(error);
      REQUIRE((is_complete || try_again(error)));
      take_from_server();
    }
    REQUIRE(is_complete);
    SSL_connect(client.get());
    (void)receive();
  }
  ~TlsPair() {
    server.reset();
    for (const int end : ends) close(end);
  }
  TlsPair(const TlsPair&) = delete;
  TlsPair& operator=(const TlsPair&) = delete;

  // The bytes of the client that were not sent yet.
  std::string take() {
    std::string bytes(1 << 16, '\0');
    const int count = BIO_read(sent, bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  std::string record(std::string_view text) {
    SSL_write(client.get(), text.data(), static_cast<int>(text.size()));
    return take();
  }
  void send(std::string_view bytes) const {
    REQUIRE(write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void take_from_server() const {
    std::array<char, 1 << 16> bytes{};
    const ssize_t count = read(ends[1], bytes.data(), bytes.size());
    if (count > 0) BIO_write(received, bytes.data(), static_cast<int>(count));
  }
  std::string receive() const {
    std::array<char, 1'000> bytes{};
    std::error_code error;
    const std::size_t count = server->receive(bytes, error);
    INFO(error.message());
    CHECK((count > 0 || try_again(error)));
    return {bytes.data(), count};
  }
};

TEST_CASE("after a record and a part of the next one, the stream waits for the socket") {
  TlsPair tls(GENERATE(TLS1_2_VERSION, TLS1_3_VERSION));
  std::string bytes = tls.record("first");
  bytes += tls.record("second");
  tls.send(bytes.substr(0, bytes.size() - 5));
  CHECK(tls.receive() == "first");
  CHECK_FALSE(tls.server->has_input());
  CHECK(tls.receive().empty());
  CHECK_FALSE(tls.server->has_input());
  tls.send(bytes.substr(bytes.size() - 5));
  CHECK(tls.receive() == "second");
  CHECK_FALSE(tls.server->has_input());
}

TEST_CASE("records that do not fit the buffer are input that was read ahead") {
  TlsPair tls(GENERATE(TLS1_2_VERSION, TLS1_3_VERSION));
  std::string bytes = tls.record(std::string(900, 'a'));
  bytes += tls.record(std::string(900, 'b'));
  tls.send(bytes);
  CHECK(tls.receive().size() == 1'000);
  CHECK(tls.server->has_input());
  CHECK(tls.receive() == std::string(800, 'b'));
  CHECK_FALSE(tls.server->has_input());
}

}  // namespace
}  // namespace herd::node

#include "node/clients/client_stream.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "node/clients/client_addresses.hpp"
#include "node/clients/handshakes.hpp"
#include "node/clients/reply_memory.hpp"
#include "tests/catch.hpp"
#include "tests/node/test_certificate.hpp"

using namespace herd::node;

namespace {

std::array<int, 2> connected_pair() {
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return ends;
}

// A stream and a client of it, which complete a handshake.
struct Streamed {
  Streamed() {
    std::signal(SIGPIPE, SIG_IGN);
    handshakes.use(make_test_context());
    addresses.add(member, asio::ip::make_address("127.0.0.1"));
    stream.expect_tls(handshakes, *member.address, memory);
    SSL_set_fd(client.get(), far.descriptor());
    SSL_set_connect_state(client.get());
    std::error_code error;
    for (int steps = 0; steps < 10 && stream.is_opening(); ++steps) {
      (void)SSL_do_handshake(client.get());
      handshakes.new_iteration();
      (void)stream.open({}, error);
    }
    REQUIRE_FALSE(stream.is_opening());
  }

  std::array<int, 2> ends = connected_pair();
  Handshakes handshakes;
  ClientAddresses addresses;
  ClientAddresses::Member member;
  ReplyMemory memory;
  Socket far{ends[1]};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> client{SSL_new(context.get()), SSL_free};
  ClientStream stream{Socket(ends[0])};
};

}  // namespace

TEST_CASE("the bytes of a record that the socket does not accept count as replies until they are sent") {
  Streamed streamed;
  ClientStream& stream = streamed.stream;
  CHECK(streamed.memory.total() == 0);
  const std::string bytes(100'000, 'x');
  std::size_t sent = 0;
  std::error_code error;
  while (!error && !stream.holds_output()) sent += stream.send(bytes, error);
  CHECK_FALSE(error);
  CHECK(streamed.memory.total() == std::size_t{2} * 16'384);  // one record, plain and encrypted
  CHECK(stream.send(bytes, error) == 0);
  CHECK(try_again(error));
  std::string received(1 << 20, '\0');
  std::size_t got = 0;
  while (got < sent) {
    const int count = SSL_read(streamed.client.get(), received.data(), static_cast<int>(received.size()));
    got += count > 0 ? static_cast<std::size_t>(count) : 0;
    std::error_code ignored;
    stream.flush(ignored);
  }
  CHECK(got == sent);
  CHECK(streamed.memory.total() == 0);
  CHECK_FALSE(stream.holds_output());
}

TEST_CASE("a stream that is closed while it holds output counts no more, and its handshake is not under way") {
  Streamed streamed;
  std::error_code error;
  while (!streamed.stream.holds_output()) (void)streamed.stream.send(std::string(100'000, 'x'), error);
  CHECK(streamed.memory.total() > 0);
  streamed.stream.close();
  CHECK(streamed.memory.total() == 0);
  CHECK(streamed.handshakes.under_way() == 0);
}

TEST_CASE("close_notify follows the bytes that the socket did not accept at first") {
  Streamed streamed;
  ClientStream& stream = streamed.stream;
  std::error_code error;
  while (!stream.holds_output()) (void)stream.send(std::string(100'000, 'x'), error);
  std::string received(1 << 20, '\0');
  const auto read_some = [&] {
    return SSL_read(streamed.client.get(), received.data(), static_cast<int>(received.size()));
  };
  bool is_asked = false;
  int result = 1;
  for (int steps = 0; steps < 10'000 && SSL_get_error(streamed.client.get(), result) != SSL_ERROR_ZERO_RETURN;
       ++steps) {
    result = read_some();
    std::error_code ignored;
    stream.flush(ignored);
    if (!stream.holds_output() && !std::exchange(is_asked, true)) stream.end_tls(ignored);
  }
  CHECK(SSL_get_error(streamed.client.get(), result) == SSL_ERROR_ZERO_RETURN);
  CHECK_FALSE(stream.holds_output());
}

TEST_CASE("a stream in plain text is open at once and counts nothing") {
  const auto ends = connected_pair();
  ClientStream stream{Socket(ends[0])};
  Socket far(ends[1]);
  CHECK_FALSE(stream.is_opening());
  CHECK_FALSE(stream.has_tls());
  std::error_code error;
  CHECK(stream.send("x\n", error) == 2);
  std::array<char, 10> bytes{};
  CHECK(far.receive(bytes, error) == 2);
  stream.end_tls(error);  // nothing
  CHECK(far.receive(bytes, error) == 0);
  CHECK(try_again(error));
}

TEST_CASE("the beginning of a TLS handshake is recognised by its first two bytes") {
  CHECK(is_tls("\x16\x03"));
  CHECK(is_tls("\x16\x03\x01"));
  CHECK_FALSE(is_tls("\x16"));
  CHECK_FALSE(is_tls("\x16\x02\x01"));
  CHECK_FALSE(is_tls("\x15\x03\x01"));
  CHECK_FALSE(is_tls(""));
}

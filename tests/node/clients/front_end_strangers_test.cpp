// Clients of other protocols at the clients' port: telnet's urgent bytes, and browsers.
#include <sys/socket.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <string>

#include "node/clients/front_end.hpp"
#include "tests/catch.hpp"
#include "tests/node/loopback.hpp"
#include "tests/node/one_node.hpp"

using namespace herd::node;
using asio::ip::tcp;
using Client = LoopbackClient;
using Node = LoopbackNode;

TEST_CASE("a telnet client's urgent byte is read in its position") {
  Node node;
  Client client(node);
  client.send("a\xFF\xF4\xFF");
  const char data_mark = '\xF2';
  REQUIRE(::send(client.socket().native_handle(), &data_mark, 1, MSG_OOB) == 1);
  client.send("b\r\n");
  CHECK(client.read(5) == "? ab\n");
}

TEST_CASE("a telnet client's urgent timing mark is answered at once") {
  Node node;
  Client client(node);
  client.send("foo\n\xFF\xF4\xFF");
  CHECK(client.read(6) == "? foo\n");
  const char data_mark = '\xF2';
  REQUIRE(::send(client.socket().native_handle(), &data_mark, 1, MSG_OOB) == 1);
  client.send("\xFF\xFD");
  const char timing_mark = '\x06';
  REQUIRE(::send(client.socket().native_handle(), &timing_mark, 1, MSG_OOB) == 1);
  CHECK(client.read(3) == "\xFF\xFB\x06");
  client.send("bar\n");
  CHECK(client.read(6) == "? bar\n");
}

TEST_CASE("a client that speaks HTTP gets an answer that names the HTTP port, and the connection ends") {
  Node node;
  Client client(node);
  client.send(kIamat + "\nPOST / HTTP/1.1\r\nHost: x\r\n\r\nIAMAT victim +0+0 5\n");
  const std::string received = client.read_to_end();
  CHECK(received.starts_with(kAt + "HTTP/1.1 400 Bad Request\r\n"));
  CHECK(received.ends_with(
      "\r\n\r\nThis port does not speak HTTP, and this node has no HTTP port: set `http` of the node in "
      "herd.toml.\n"));
  CHECK_FALSE(node.replica.find("victim"));
  client.send(std::string(1'000, 'y'));
  client.half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));

  FrontEnd other({node.io, node.replica, node.config, node.watches, node.counters, node.clock,
                  [](const places::Query&) { return places::Ticket{0}; }, kDefaultAckTimeout, SIZE_MAX,
                  Address{"127.0.0.1", 12145}});
  REQUIRE(other.listen({"127.0.0.1", 0}));
  tcp::socket socket(node.io);
  socket.connect({asio::ip::address_v4::loopback(), other.port()});
  asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
  socket.non_blocking(true);
  std::string answer;
  CHECK(node.run_until([&] {
    other.arm();
    std::array<char, 4096> bytes{};
    std::error_code error;
    answer.append(bytes.data(), socket.read_some(asio::buffer(bytes), error));
    return error == asio::error::eof;
  }));
  CHECK(answer.ends_with("\r\n\r\nThis port does not speak HTTP: use the HTTP port of this node, 127.0.0.1:12145.\n"));
  const std::size_t body = answer.find("\r\n\r\n") + 4;
  CHECK(answer.find("Content-Length: " + std::to_string(answer.size() - body) + "\r\n") != std::string::npos);
}

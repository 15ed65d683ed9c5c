// A front end on loopback and its clients, for tests. The test runs both by hand in one thread.
#pragma once

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "node/clients/front_end.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_node.hpp"

namespace herd::node {

// A node's front end on a loopback port. It collects the lookups; the test delivers the documents.
struct LoopbackNode : OneNode {
  asio::io_context io;
  std::vector<places::Query> lookups;  // a ticket is an index of this vector
  FrontEnd front_end{{io, replica, config, watches, counters, clock, [this](const places::Query& query) {
                        lookups.push_back(query);
                        return places::Ticket{lookups.size() - 1};
                      }}};

  LoopbackNode() { REQUIRE(front_end.listen({"127.0.0.1", 0})); }

  void deliver(places::Ticket ticket, std::string_view document) {
    front_end.deliver(ticket, document);
    front_end.send_delivered();
  }

  // Runs the loop until the condition holds; false if that takes ten seconds.
  bool run_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      front_end.arm();
      io.run_one_for(std::chrono::milliseconds(1));
    }
    return true;
  }
};

// A client on a non-blocking socket. It reads only in the functions below.
class LoopbackClient {
 public:
  // `from`: the client's own address in 127.0.0.0/8.
  explicit LoopbackClient(LoopbackNode& node, const char* from = "127.0.0.1") : node_(node), socket_(io_) {
    socket_.open(asio::ip::tcp::v4());
    socket_.bind({asio::ip::make_address(from), 0});
    socket_.connect({asio::ip::address_v4::loopback(), node.front_end.port()});
    socket_.non_blocking(true);
  }

  // Sends as much as the socket takes; returns how much that was.
  std::size_t send_some(const std::string& bytes) {
    std::error_code error;
    const std::size_t count = socket_.write_some(asio::buffer(bytes), error);
    return error ? 0 : count;
  }

  void send(const std::string& bytes) {
    std::size_t sent = 0;
    REQUIRE(node_.run_until([&] { return (sent += send_some(bytes.substr(sent))) == bytes.size(); }));
  }

  void half_close() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }

  // The bytes of one read, perhaps none.
  std::string read_once() {
    std::string bytes(1 << 20, '\0');
    std::error_code error;
    bytes.resize(socket_.read_some(asio::buffer(bytes), error));
    ended_ = ended_ || error == asio::error::eof;
    broken_ = broken_ || (error && error != asio::error::eof && error != asio::error::would_block);
    return bytes;
  }

  // Runs the node until `count` bytes have come or the connection has ended; returns all bytes.
  std::string read(std::size_t count) {
    std::string all;
    node_.run_until([&] { return (all += read_once()).size() >= count || ended_ || broken_; });
    return all;
  }

  // Runs the node until the connection has ended without a reset; returns all bytes.
  std::string read_to_end() {
    std::string all;
    CHECK(node_.run_until([&] {
      all += read_once();
      return ended_ || broken_;
    }));
    CHECK_FALSE(broken_);
    return all;
  }

  bool has_ended() {
    read_once();
    return ended_ || broken_;
  }

  asio::ip::tcp::socket& socket() { return socket_; }

 private:
  LoopbackNode& node_;
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace herd::node

// Answers the questions of ZeroMQ whether a key may connect (ZAP, RFC 27). ZeroMQ's I/O thread asks at the end of each
// handshake of a CURVE server, and holds the connection until the answer comes. The loop itself answers, so the
// decision needs no lock and no thread. One server for each ZeroMQ context, and so for each node.
//
// ZeroMQ adds the key to each message of the connection as the metadata "User-Id". Owned by the bus; loop thread only.
// Nothing here blocks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "bus/keys/key_table.hpp"

namespace herd::bus {

class ZapServer {
 public:
  // Throws zmq::error_t if the context has a ZAP server already.
  explicit ZapServer(zmq::context_t& context);

  // Edge-triggered: after each wake-up call serve() until it returns false.
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // A connection that asks to be accepted.
  struct Request {
    std::string key;   // of the other end, in Z85
    std::string host;  // its IP address
  };
  using Judge = std::function<Admission(const Request& request)>;

  // Answers what is asked now, at most kRequestsAtOnce questions. True if more may be left: call it again.
  [[nodiscard]] bool serve(const Judge& judge);

  static constexpr int kRequestsAtOnce = 32;

 private:
  void answer(std::vector<zmq::message_t>& frames, const Judge& judge);

  zmq::socket_t socket_;
  int descriptor_;
};

// The key of the connection that a frame came by, as metadata of the frame; empty if it has none. Only of a frame of
// the message itself: ZeroMQ loses the metadata of the identity frame if the socket's events were read before it.
[[nodiscard]] std::string_view key_of(zmq::message_t& frame);

}  // namespace herd::bus

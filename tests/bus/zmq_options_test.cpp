#include "bus/zmq_options.hpp"

#include "tests/catch.hpp"

namespace herd::bus {
namespace {

// libzmq 4.3.4 aborts at a heartbeat of a connection that broke while its input was stopped:
// tests/system/test_durability freezes and kills nodes; here stands what keeps it from happening.
TEST_CASE("no socket between nodes has heartbeats") {
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  set_receiver_options(router);
  set_sender_options(dealer);
  for (zmq::socket_t* socket : {&router, &dealer}) {
    CHECK(socket->get(zmq::sockopt::heartbeat_ivl) == 0);
    CHECK(socket->get(zmq::sockopt::tcp_maxrt) > 0);
    CHECK(socket->get(zmq::sockopt::tcp_keepalive) == 1);
  }
}

TEST_CASE("nothing waits for a peer that is not there, and closing waits for nobody") {
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  set_sender_options(dealer);
  dealer.connect("tcp://127.0.0.1:1");
  CHECK_FALSE(dealer.send(zmq::str_buffer("update"), zmq::send_flags::dontwait));
}

}  // namespace
}  // namespace herd::bus

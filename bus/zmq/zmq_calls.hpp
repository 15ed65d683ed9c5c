// Calls of ZeroMQ that are repeated if a signal interrupts them. cppzmq throws EINTR then, before the call has had an
// effect. Any thread that owns the socket.
#pragma once

#include <cerrno>
#include <zmq.hpp>

namespace herd::bus {

// Repeats `call` until it does not fail with EINTR.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    try {
      return call();
    } catch (const zmq::error_t& problem) {
      if (problem.num() != EINTR) throw;
    }
  }
}

// Reads one frame. False: there is none now (with dontwait).
inline bool receive(zmq::socket_t& socket, zmq::message_t& frame, zmq::recv_flags flags) {
  return uninterrupted([&] { return socket.recv(frame, flags); }).has_value();
}

// Sends one frame without waiting. False: the socket cannot take it now.
inline bool send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags) {
  return uninterrupted([&] { return socket.send(frame, flags | zmq::send_flags::dontwait); }).has_value();
}

}  // namespace herd::bus

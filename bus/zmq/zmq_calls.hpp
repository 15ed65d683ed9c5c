// Calls of ZeroMQ that do not wait, and that a signal to the process does not make fail: cppzmq throws EINTR, before
// the call has done anything.
#pragma once

#include <cerrno>
#include <zmq.hpp>

namespace herd::bus {

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

inline bool receive(zmq::socket_t& socket, zmq::message_t& frame, zmq::recv_flags flags) {
  return uninterrupted([&] { return socket.recv(frame, flags); }).has_value();
}

inline bool send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags) {
  return uninterrupted([&] { return socket.send(frame, flags | zmq::send_flags::dontwait); }).has_value();
}

}  // namespace herd::bus

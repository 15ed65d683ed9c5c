// Events of a ZeroMQ socket: connections and handshakes. The thread that owns the socket.
#pragma once

#include <cstdint>
#include <optional>
#include <zmq.hpp>

namespace herd::bus {

// Returns a socket from which read_event() reads the events of `socket` that `events`, a set of ZMQ_EVENT_*, names.
// Begins at once, so call it before bind or connect. Before the returned socket is closed, call
// zmq_socket_monitor(socket, nullptr, 0): else ZeroMQ would wait to deliver an event to a monitor that is gone. Throws
// zmq::error_t if ZeroMQ refuses.
[[nodiscard]] zmq::socket_t monitor_of(zmq::context_t& context, zmq::socket_t& socket, int events);

struct SocketEvent {
  std::uint16_t event = 0;  // ZMQ_EVENT_*
  std::int32_t value = 0;   // a descriptor, or a status; zmq_socket_monitor(3) lists them
};
// Reads the next event; nullopt if there is none now.
[[nodiscard]] std::optional<SocketEvent> read_event(zmq::socket_t& monitor);

}  // namespace herd::bus

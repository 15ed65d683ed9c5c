#include "bus/zmq/monitored.hpp"

#include <atomic>
#include <cstring>
#include <string>

#include "bus/zmq/zmq_calls.hpp"

namespace herd::bus {
namespace {

// The first frame of a monitor's message: the event (2 bytes) and its value (4 bytes), in the machine's byte order. The
// second frame is the address.
constexpr std::size_t kEventBytes = 6;

// Numbers the monitors' inproc addresses. They are shared by all buses of the process, and an address is free only some
// time after its monitor is closed.
std::atomic<std::uint64_t> next_monitor{0};

}  // namespace

zmq::socket_t monitor_of(zmq::context_t& context, zmq::socket_t& socket, int events) {
  const std::string address = "inproc://connections-" + std::to_string(next_monitor++);
  if (zmq_socket_monitor(socket.handle(), address.c_str(), events) != 0) throw zmq::error_t();
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  // No bound: at one, ZeroMQ's thread would wait for this thread. An event takes 200 bytes, and there are few for each
  // connection.
  monitor.set(zmq::sockopt::rcvhwm, 0);
  monitor.connect(address);
  return monitor;
}

std::optional<SocketEvent> read_event(zmq::socket_t& monitor) {
  zmq::message_t frame;
  zmq::message_t address;
  SocketEvent event;
  while (receive(monitor, frame, zmq::recv_flags::dontwait)) {
    if (frame.more()) (void)receive(monitor, address, zmq::recv_flags::none);
    if (frame.size() != kEventBytes) continue;
    const auto* bytes = static_cast<const char*>(frame.data());
    std::memcpy(&event.event, bytes, sizeof event.event);
    std::memcpy(&event.value, bytes + sizeof event.event, sizeof event.value);
    return event;
  }
  return std::nullopt;
}

}  // namespace herd::bus

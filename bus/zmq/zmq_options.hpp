// All ZeroMQ options of the sockets between nodes, each with its reason (in the .cpp). Set them before bind or connect:
// several have no effect afterwards. Call it on the thread that owns the socket.
#pragma once

#include <zmq.hpp>

namespace herd::bus {

// How long closing a DEALER may wait for messages that are not sent yet, ms. Never 0: libzmq 4.3.4 aborts the process
// if a connection breaks at that moment while its I/O thread has read only some frames of a message
// (zeromq/libzmq#3442). With the wait the thread can read the other frames.
inline constexpr int kLingerMs = 100;

// Connections that the kernel holds until they are accepted: more than the peers of any herd open at once.
inline constexpr int kBacklog = 1024;

// For the one ROUTER of a node, which receives everything and sends back only CONFLICT.
void set_receiver_options(zmq::socket_t& router);

// For a DEALER to one peer, which sends everything and receives only CONFLICT.
void set_sender_options(zmq::socket_t& dealer);

}  // namespace herd::bus

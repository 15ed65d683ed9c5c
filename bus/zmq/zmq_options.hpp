// Every ZeroMQ option of the sockets between nodes, each with its reason. Options are set before bind or connect:
// several do nothing afterwards.
#pragma once

#include <zmq.hpp>

namespace herd::bus {

// How long the end of a socket that sends may wait for what it has still to send, ms. Never 0: libzmq 4.3.4 aborts the
// whole process when a connection breaks just then, whose I/O thread has read a part of a message of several frames
// (zeromq/libzmq#3442). While it waits, the rest can still be read.
inline constexpr int kLingerMs = 100;

// Connections that the system keeps until they are accepted; more than any herd's peers make at once.
inline constexpr int kBacklog = 1024;

// The one ROUTER of a node: it receives, and sends back CONFLICT alone.
void set_receiver_options(zmq::socket_t& router);

// A DEALER to one peer: it sends, and receives CONFLICT alone.
void set_sender_options(zmq::socket_t& dealer);

}  // namespace herd::bus

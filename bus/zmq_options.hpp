// Every ZeroMQ option of the sockets between nodes, each with its reason. Options are set before bind or connect:
// several do nothing afterwards.
#pragma once

#include <zmq.hpp>

namespace herd::bus {

// The one ROUTER of a node: it only receives.
void set_receiver_options(zmq::socket_t& router);

// A DEALER to one peer: it only sends.
void set_sender_options(zmq::socket_t& dealer);

}  // namespace herd::bus

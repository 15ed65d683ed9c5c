#include "bus/zmq/stranger_probe.hpp"

#include <poll.h>

#include <array>

#include "bus/zmq/monitored.hpp"
#include "bus/zmq/zmq_calls.hpp"

namespace herd::bus {

using protocol::Nanoseconds;

namespace {

constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr int kRefused = 400;     // of ZAP
constexpr int kLookAgainMs = 10;  // the descriptors are edge-triggered, so both are looked at after this time anyway

std::string dialled(const std::string& address) {
  const std::size_t port = address.rfind(':');
  const std::string host = address.substr(0, port);
  const bool is_wildcard = host == "tcp://0.0.0.0" || host == "tcp://[::]" || host == "tcp://*";
  return (is_wildcard ? "tcp://127.0.0.1" : host) + address.substr(port);
}

Nanoseconds steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

StrangerProbe::StrangerProbe(zmq::context_t& context, const std::string& address, const std::string& server)
    : dealer_(context, zmq::socket_type::dealer), monitor_(monitor_of(context, dealer_, kEvents)) {
  dealer_.set(zmq::sockopt::linger, 0);
  dealer_.set(zmq::sockopt::ipv6, true);
  dealer_.set(zmq::sockopt::curve_serverkey, server);
  dealer_.set(zmq::sockopt::curve_publickey, pair_.public_key);
  dealer_.set(zmq::sockopt::curve_secretkey, pair_.secret_key);
  dealer_.connect(dialled(address));
}

StrangerProbe::~StrangerProbe() {
  (void)zmq_socket_monitor(dealer_.handle(), nullptr, 0);
}

StrangerProbe::Outcome StrangerProbe::wait(int descriptor, const std::function<void()>& serve) {
  std::array<pollfd, 2> polled{{{descriptor, POLLIN, 0}, {monitor_.get(zmq::sockopt::fd), POLLIN, 0}}};
  for (const Nanoseconds end = steady_now() + kProofPatience; steady_now() < end;) {
    serve();
    while (const auto event = read_event(monitor_)) {
      if (event->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return Outcome::Accepted;
      if (event->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && event->value == kRefused) return Outcome::Refused;
    }
    (void)poll(polled.data(), polled.size(), kLookAgainMs);
  }
  return Outcome::NoAnswer;
}

}  // namespace herd::bus

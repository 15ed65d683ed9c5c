// A monitor and its viewers, for tests.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "node/observe/monitor.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {

struct MonitorFixture {
  zmq::context_t context;  // the viewers' context
  std::string endpoint = "tcp://127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<Monitor> monitor = bound();

  std::unique_ptr<Monitor> bound(const Viewers::Limits& limits = {}) {
    auto result = Monitor::bind(endpoint, "Hill", limits);
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }

  Monitor::News serve() { return monitor->serve(std::chrono::steady_clock::now().time_since_epoch()); }

  // Serves the monitor until `received` is true for its news of subscriptions. False if that takes ten seconds.
  template <typename Condition>
  bool receives(Condition received) {
    return wait_until([&] {
      const auto news = serve();
      return received(news);
    });
  }
};

struct Message {
  std::string topic;
  nlohmann::json body;
};

// The keys of an encrypted viewer. `heartbeat_ms`: how often it sends a PING; 0: never.
struct SubscriberKeys {
  bus::KeyPair own;
  std::string server;
  int heartbeat_ms = 0;
};

// A SUB socket that connects to the monitor; `queue` is the length of its own queue in messages, 0 for no bound.
class Subscriber {
 public:
  Subscriber(MonitorFixture& fixture, const std::string& prefix, int queue = 0)
      : Subscriber(fixture, prefix, std::nullopt, queue) {}
  Subscriber(MonitorFixture& fixture, const std::string& prefix, const std::optional<SubscriberKeys>& keys,
             int queue = 0)
      : fixture_(fixture), socket_(fixture.context, zmq::socket_type::sub) {
    socket_.set(zmq::sockopt::ipv6, true);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, queue);
    socket_.set(zmq::sockopt::sndhwm, 0);  // a subscription that finds its pipe full would be dropped
    if (queue != 0) socket_.set(zmq::sockopt::rcvbuf, 4096);
    socket_.set(zmq::sockopt::subscribe, prefix);
    if (keys) {
      socket_.set(zmq::sockopt::curve_serverkey, keys->server);
      socket_.set(zmq::sockopt::curve_publickey, keys->own.public_key);
      socket_.set(zmq::sockopt::curve_secretkey, keys->own.secret_key);
      socket_.set(zmq::sockopt::heartbeat_ivl, keys->heartbeat_ms);
    }
    socket_.connect(fixture.endpoint);
  }

  zmq::socket_t& socket() { return socket_; }

  // The next message, or nullopt if none comes within `patience`; serves the monitor while it waits. Throws if the
  // message does not have exactly two frames.
  std::optional<Message> next(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    zmq::message_t topic;
    while (!socket_.recv(topic, zmq::recv_flags::dontwait)) {
      if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
      fixture_.serve();
      zmq::pollitem_t readable{socket_.handle(), 0, ZMQ_POLLIN, 0};
      zmq::poll(&readable, 1, std::chrono::milliseconds(1));
    }
    zmq::message_t body;
    if (!topic.more() || !socket_.recv(body) || body.more()) throw std::runtime_error("not a message of two frames");
    return Message{topic.to_string(), nlohmann::json::parse(body.to_string_view())};
  }

 private:
  MonitorFixture& fixture_;
  zmq::socket_t socket_;
};

}  // namespace herd::node

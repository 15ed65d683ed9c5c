// A monitor and viewers of it, for tests.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "node/monitor.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {

struct MonitorFixture {
  zmq::context_t context;
  std::string endpoint = "tcp://127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<Monitor> monitor = bound();

  std::unique_ptr<Monitor> bound(int queue = Monitor::kQueue) {
    auto result = Monitor::bind(context, endpoint, "Hill", queue);
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }

  // Waits until the monitor has heard of all that the viewers have subscribed to, by its answer to `heard`.
  template <typename Condition>
  bool hears(Condition heard) {
    return wait_until([&] {
      const auto news = monitor->drain_subscriptions();
      return heard(news);
    });
  }
};

struct Message {
  std::string topic;
  nlohmann::json body;
};

// A SUB socket that has connected; `queue` is its own queue in messages, 0 for no bound.
class Viewer {
 public:
  Viewer(MonitorFixture& fixture, const std::string& prefix, int queue = 0)
      : socket_(fixture.context, zmq::socket_type::sub) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, queue);
    socket_.set(zmq::sockopt::sndhwm, 0);  // a subscription that finds its pipe full would be dropped
    if (queue != 0) socket_.set(zmq::sockopt::rcvbuf, 4096);
    socket_.set(zmq::sockopt::subscribe, prefix);
    socket_.connect(fixture.endpoint);
  }

  zmq::socket_t& socket() { return socket_; }

  // The next message within `patience`, else nothing. Fails unless it has exactly two frames.
  std::optional<Message> next(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience.count()));
    std::vector<std::string> frames;
    for (bool more = true; more;) {
      zmq::message_t frame;
      if (!socket_.recv(frame)) return std::nullopt;
      more = frame.more();
      frames.push_back(frame.to_string());
    }
    if (frames.size() != 2) throw std::runtime_error("a message of " + std::to_string(frames.size()) + " frames");
    return Message{frames[0], nlohmann::json::parse(frames[1])};
  }

 private:
  zmq::socket_t socket_;
};

}  // namespace herd::node

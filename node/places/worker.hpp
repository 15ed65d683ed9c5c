// The places worker: one thread that answers where places are near, so that the loop never waits for an index to load
// or a service to reply. The thread owns a ROUTER, on which queries come and answers go (messages.hpp), and the chain
// of providers. It binds first and makes the providers then: queries that come meanwhile wait in the socket.
//
// What the providers have done it tells on its control socket, a PAIR whose other end this object holds: at once where
// one of them has changed its state, else at most every kFiguresInterval, and never while nothing happens.
//
// It ends by the message "STOP" on the control socket: stop() and the destructor send it and join the thread. Queries
// under way are not answered any more. The object belongs to the thread that made it, and must end before the ZeroMQ
// context does.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "node/places/messages.hpp"
#include "node/places/provider.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

inline constexpr const char* kPlacesEndpoint = "inproc://places";
inline constexpr std::chrono::milliseconds kFiguresInterval{100};

class Worker {
 public:
  struct Options {
    std::string endpoint = kPlacesEndpoint;     // bound
    std::chrono::milliseconds timeout{5'000};   // for the whole chain of providers
    std::function<Providers()> make_providers;  // called once, on the worker's thread
  };

  // Fails where the endpoint cannot be bound. Returns as soon as it is, before the providers are there.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Worker>> start(zmq::context_t& context, Options options);

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // The next figures that the worker has told of; call it until it returns nothing.
  [[nodiscard]] std::optional<FiguresMessage> poll_figures();

  // Readable when poll_figures() should be called; edge-triggered.
  [[nodiscard]] int fd() const;

  // Waits until the thread has ended: at most for the making of the providers, or one turn. Further calls do nothing.
  void stop();

 private:
  explicit Worker(zmq::context_t& context);

  zmq::socket_t admin_;
  std::thread thread_;
};

}  // namespace herd::node::places

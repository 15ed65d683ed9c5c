// The places worker: a thread that answers places queries, so that the loop never waits for an index to load or a web
// service to reply. The thread owns a ROUTER socket for queries and answers (messages.hpp) and the chain of providers.
// It binds the socket first and then creates the providers; queries that arrive before that wait in the socket.
//
// The thread sends the figures of the providers to this object over an inproc PAIR, the control socket: at once when a
// provider changes its state, otherwise at most every kFiguresInterval, and only after something has changed.
//
// stop() and the destructor send "STOP" over the control socket and join the thread. Queries in progress are not
// answered then. This object belongs to the thread that created it, and must be destroyed before the ZeroMQ context.
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
    std::string endpoint = kPlacesEndpoint;     // the worker binds it
    std::chrono::milliseconds timeout{5'000};   // of one lookup, over all providers
    std::function<Providers()> make_providers;  // called once, on the worker's thread; may take its time
  };

  // Starts the thread. Returns when the endpoint is bound, before the providers exist; returns an error if it cannot be
  // bound.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Worker>> start(zmq::context_t& context, Options options);

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Returns the next figures from the worker; nullopt if there are none. Call it until it returns nullopt.
  [[nodiscard]] std::optional<FiguresMessage> poll_figures();

  // The descriptor to wait on: readable when poll_figures() should be called. Edge-triggered.
  [[nodiscard]] int fd() const;

  // Ends the thread and waits for it: at most until make_providers returns, or one iteration of the thread. Further
  // calls do nothing.
  void stop();

 private:
  explicit Worker(zmq::context_t& context);

  zmq::socket_t admin_;
  std::thread thread_;
};

}  // namespace herd::node::places

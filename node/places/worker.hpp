// The places worker: a thread that answers places queries, so that the loop never waits for an index to load or a web
// service to reply. The thread owns a ROUTER socket for queries and answers (messages.hpp), the chain of providers, and
// the HTTP client, which has the thread's only wait: for the ROUTER, all connections, and the end of the thread.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "node/places/figures.hpp"
#include "node/places/http_fetcher.hpp"
#include "node/places/provider.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

inline constexpr const char* kPlacesEndpoint = "inproc://places";
inline constexpr std::chrono::milliseconds kFiguresInterval{100};

// The functions are called on the worker's thread.
struct WorkerOptions {
  std::string endpoint = kPlacesEndpoint;    // the worker binds it
  std::chrono::milliseconds timeout{5'000};  // of one lookup, over all providers
  // Called once; may take its time, until a stop is requested. Queries that arrive before it returns wait in the
  // socket.
  std::function<Providers(HttpFetcher&, const std::stop_token&)> make_providers;
  // Receives the figures when the providers exist; then at once when a provider changes its state, otherwise at most
  // every kFiguresInterval, and only after something has changed. Must not block.
  std::function<void(ProviderFigures)> report;
};

// Starts the thread. Returns when the endpoint is bound, before the providers exist; returns an error if it cannot be
// bound. The destructor of the returned thread stops it and waits for it: at most until make_providers returns, or one
// iteration of the thread. Queries in progress are not answered then. Destroy it before the ZeroMQ context and before
// all that `report` uses.
[[nodiscard]] protocol::Result<std::jthread> start_worker(zmq::context_t& context, WorkerOptions options);

}  // namespace herd::node::places

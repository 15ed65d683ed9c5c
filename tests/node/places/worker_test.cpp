// The real worker thread with the real client. All waits are for conditions, with a deadline.
#include "node/places/worker.hpp"

#include <poll.h>

#include <nlohmann/json.hpp>
#include <set>

#include "node/app/providers.hpp"
#include "node/places/client.hpp"
#include "node/places/messages.hpp"
#include "tests/catch.hpp"
#include "tests/node/places/fake_provider.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::protocol::Now;
using nlohmann::json;
using testing::providers_of;
using testing::script;

namespace {

constexpr Query kQuery{.latitude = 34.068930, .longitude = -118.445127, .radius_km = 10, .max = 5};

Now now() {
  return {std::chrono::steady_clock::now().time_since_epoch(), 0ns};
}

std::optional<Answer> wait_for_answer(Client& client) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto answer = client.poll(now())) {
      return answer;
    }
    pollfd descriptor{client.fd(), POLLIN, 0};
    ::poll(&descriptor, 1, 10);
  }
  return std::nullopt;
}

herd::node::PlacesConfig embedded_only() {
  herd::node::PlacesConfig config;
  config.providers = {"embedded"};
  return config;
}

std::optional<FiguresMessage> wait_for_figures(Worker& worker) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto figures = worker.poll_figures()) {
      return figures;
    }
    pollfd descriptor{worker.fd(), POLLIN, 0};
    ::poll(&descriptor, 1, 10);
  }
  return std::nullopt;
}

Worker::Options options(std::function<Providers()> make, std::chrono::milliseconds timeout = 5s) {
  return {.endpoint = kPlacesEndpoint, .timeout = timeout, .make_providers = std::move(make)};
}

}  // namespace

TEST_CASE("a query is answered from the embedded places, also if it is sent before they are loaded") {
  zmq::context_t context;
  Client client(context, kPlacesEndpoint, 15s);
  const auto worker = Worker::start(context, options([] { return make_providers(embedded_only()); }, 15s));
  REQUIRE(worker);
  const Ticket ticket = client.ask(kQuery, now());
  const auto answer = wait_for_answer(client);
  REQUIRE(answer);
  CHECK(answer->ticket == ticket);
  const json document = json::parse(answer->document);
  CHECK(document["status"] == "OK");
  CHECK(document["results"].size() == 5);
  client.ask({.latitude = 0, .longitude = -140, .radius_km = 50, .max = 20}, now());
  CHECK(json::parse(wait_for_answer(client)->document)["status"] == "ZERO_RESULTS");
}

TEST_CASE("each of many queries of two clients is answered once, to its own client") {
  zmq::context_t context;
  const bool at_once = GENERATE(false, true);
  const auto worker = Worker::start(context, options([at_once] {
                                      const auto here = script(Status::Ok, "here");
                                      here->at_once = at_once;
                                      return providers_of({here});
                                    }));
  REQUIRE(worker);
  Client one(context, kPlacesEndpoint, 15s);
  Client other(context, kPlacesEndpoint, 15s);
  std::set<Ticket> asked;
  for (int question = 0; question < 1'000; ++question) {
    asked.insert(one.ask(kQuery, now()));
    other.ask(kQuery, now());
  }
  for (int question = 0; question < 1'000; ++question) {
    const auto answer = wait_for_answer(one);
    REQUIRE(answer);
    CHECK(asked.erase(answer->ticket) == 1);
    REQUIRE(wait_for_answer(other));
  }
  CHECK(one.counters().answered == 1'000);
  CHECK(other.counters().answered == 1'000);
}

TEST_CASE("a lookup moves on from a provider that hangs, without a further query") {
  zmq::context_t context;
  const auto worker = Worker::start(
      context, options(
                   [] {
                     return providers_of({script(std::nullopt), script(Status::Ok, R"({"name":"second"})")});
                   },
                   80ms));
  REQUIRE(worker);
  Client client(context, kPlacesEndpoint, 15s);
  client.ask(kQuery, now());
  CHECK(wait_for_answer(client)->document.starts_with(R"({"name":"second")"));
}

TEST_CASE("an answer too long for a message becomes a failure with that reason") {
  zmq::context_t context;
  const auto worker = Worker::start(
      context, options([] { return providers_of({script(Status::Ok, std::string(kMaxDocumentBytes + 1, 'x'))}); }));
  REQUIRE(worker);
  Client client(context, kPlacesEndpoint, 15s);
  client.ask(kQuery, now());
  CHECK(json::parse(wait_for_answer(client)->document)["status"] == "UNKNOWN_ERROR");
}

TEST_CASE("a malformed message does not affect the next query") {
  zmq::context_t context;
  const auto worker = Worker::start(context, options([] { return providers_of({script(Status::Ok, "here")}); }));
  REQUIRE(worker);
  zmq::socket_t stranger(context, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(kPlacesEndpoint);
  stranger.send(zmq::str_buffer("nonsense"), zmq::send_flags::none);
  stranger.send(zmq::str_buffer("two"), zmq::send_flags::sndmore);
  stranger.send(zmq::str_buffer("frames"), zmq::send_flags::none);
  stranger.send(encode(QueryMessage{9, kQuery}), zmq::send_flags::none);
  stranger.set(zmq::sockopt::rcvtimeo, 20'000);
  zmq::message_t message;
  REQUIRE(stranger.recv(message));
  CHECK(decode_answer(message.to_string_view())->ticket == 9);
}

TEST_CASE("a worker stops with queries in progress, and its endpoint can be bound again") {
  zmq::context_t context;
  const auto make = [] { return providers_of({script(std::nullopt)}); };
  auto first = Worker::start(context, options(make));
  REQUIRE(first);
  Client client(context, kPlacesEndpoint, 15s);
  client.ask(kQuery, now());
  (*first)->stop();
  (*first)->stop();
  CHECK(Worker::start(context, options(make)));
}

TEST_CASE("a second worker on one endpoint is refused with a reason, and a bad endpoint too") {
  zmq::context_t context;
  const auto make = [] { return Providers{}; };
  const auto first = Worker::start(context, options(make));
  REQUIRE(first);
  const auto second = Worker::start(context, options(make));
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find(kPlacesEndpoint) != std::string::npos);
  auto bad = options(make);
  bad.endpoint = "nowhere";
  CHECK_FALSE(Worker::start(context, std::move(bad)));
}

TEST_CASE("the worker sends figures at the start and after its providers have worked") {
  zmq::context_t context;
  Client client(context, kPlacesEndpoint, 15s);
  const auto worker = Worker::start(context, options([] { return make_providers(embedded_only()); }));
  REQUIRE(worker);
  const auto first = wait_for_figures(**worker);
  REQUIRE(first);
  REQUIRE(first->size() == 1);
  CHECK(first->front().provider == "embedded");
  CHECK(first->front().requests[0] == 0);
  client.ask(kQuery, now());
  REQUIRE(wait_for_answer(client));
  const auto second = wait_for_figures(**worker);
  REQUIRE(second);
  CHECK(second->front().requests[0] == 1);
  CHECK_FALSE((*worker)->poll_figures());
}

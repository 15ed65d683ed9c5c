// The real worker thread with the real client. All waits are for conditions, with a deadline.
#include "node/places/worker.hpp"

#include <poll.h>

#include <condition_variable>
#include <deque>
#include <mutex>
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

// Receives the figures on the worker's thread.
class Reports {
 public:
  void add(ProviderFigures figures) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(figures));
    added_.notify_one();
  }

  // Waits for the next report.
  ProviderFigures next() {
    std::unique_lock lock(mutex_);
    REQUIRE(added_.wait_for(lock, 20s, [this] { return !reports_.empty(); }));
    ProviderFigures figures = std::move(reports_.front());
    reports_.pop_front();
    return figures;
  }

  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return reports_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<ProviderFigures> reports_;
};

WorkerOptions options(std::function<Providers(HttpFetcher&)> make, std::chrono::milliseconds timeout = 5s) {
  return {.timeout = timeout,
          .make_providers = [make = std::move(make)](HttpFetcher& http, const std::stop_token&) { return make(http); },
          .report = [](const ProviderFigures&) {}};
}

WorkerOptions scripted(std::vector<std::shared_ptr<testing::FakeScript>> scripts,
                       std::chrono::milliseconds timeout = 5s) {
  return options([scripts = std::move(scripts)](HttpFetcher&) { return providers_of(scripts); }, timeout);
}

WorkerOptions embedded() {
  return options([](HttpFetcher& http) { return make_providers(embedded_only(), http); }, 15s);
}

}  // namespace

TEST_CASE("a query is answered from the embedded places, also if it is sent before they are loaded") {
  zmq::context_t context;
  Client client(context, kPlacesEndpoint, 15s);
  const auto worker = start_worker(context, embedded());
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
  const auto here = script(Status::Ok, "here");
  here->at_once = at_once;
  const auto worker = start_worker(context, scripted({here}));
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
  const auto worker =
      start_worker(context, scripted({script(std::nullopt), script(Status::Ok, R"({"name":"second"})")}, 80ms));
  REQUIRE(worker);
  Client client(context, kPlacesEndpoint, 15s);
  client.ask(kQuery, now());
  CHECK(wait_for_answer(client)->document.starts_with(R"({"name":"second")"));
}

TEST_CASE("an answer too long for a message becomes a failure with that reason") {
  zmq::context_t context;
  const auto worker = start_worker(context, scripted({script(Status::Ok, std::string(kMaxDocumentBytes + 1, 'x'))}));
  REQUIRE(worker);
  Client client(context, kPlacesEndpoint, 15s);
  client.ask(kQuery, now());
  CHECK(json::parse(wait_for_answer(client)->document)["status"] == "UNKNOWN_ERROR");
}

TEST_CASE("a malformed message does not affect the next query") {
  zmq::context_t context;
  const auto worker = start_worker(context, scripted({script(Status::Ok, "here")}));
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
  std::string_view answers = message.to_string_view();
  CHECK(take_answer(answers)->ticket == 9);
}

TEST_CASE("long answers that are ready together all arrive, and so does an answer as long as a message may have") {
  zmq::context_t context;
  const auto longest = script(Status::Ok, std::string(kMaxDocumentBytes, 'x'));
  longest->at_once = true;
  const auto worker = start_worker(context, scripted({longest}));
  REQUIRE(worker);
  Client client(context, kPlacesEndpoint, 15s);
  for (int question = 0; question < 20; ++question) client.ask(kQuery, now());
  for (int question = 0; question < 20; ++question) {
    const auto answer = wait_for_answer(client);
    REQUIRE(answer);
    CHECK(answer->document == longest->document);
  }
}

TEST_CASE("a worker stops with queries in progress, and its endpoint can be bound again") {
  zmq::context_t context;
  const auto make = [] { return scripted({script(std::nullopt)}); };
  {
    const auto first = start_worker(context, make());
    REQUIRE(first);
    Client client(context, kPlacesEndpoint, 15s);
    client.ask(kQuery, now());
  }
  CHECK(start_worker(context, make()));
}

TEST_CASE("a worker ends when its context ends") {
  zmq::context_t context;
  const auto worker = start_worker(context, scripted({}));
  REQUIRE(worker);
  context.close();  // waits until the worker has closed its socket
}

TEST_CASE("a second worker on one endpoint is refused with a reason, and a bad endpoint too") {
  zmq::context_t context;
  const auto first = start_worker(context, scripted({}));
  REQUIRE(first);
  const auto second = start_worker(context, scripted({}));
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find(kPlacesEndpoint) != std::string::npos);
  auto bad = scripted({});
  bad.endpoint = "nowhere";
  const auto third = start_worker(context, std::move(bad));
  CHECK_FALSE(third);
}

TEST_CASE("the worker reports figures at the start and after its providers have worked") {
  zmq::context_t context;
  Client client(context, kPlacesEndpoint, 15s);
  Reports reports;
  auto with_reports = embedded();
  with_reports.report = [&reports](ProviderFigures figures) { reports.add(std::move(figures)); };
  const auto worker = start_worker(context, std::move(with_reports));
  REQUIRE(worker);
  const auto first = reports.next();
  REQUIRE(first.size() == 1);
  CHECK(first.front().provider == "embedded");
  CHECK(first.front().requests[0] == 0);
  client.ask(kQuery, now());
  REQUIRE(wait_for_answer(client));
  CHECK(reports.next().front().requests[0] == 1);
  CHECK(reports.waiting() == 0);
}

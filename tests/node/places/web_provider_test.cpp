// The provider with a service on loopback: requests, sharing, cache, breaker, secrecy of the key. Faults of the network
// itself are tested by tests/system/test_google_faults.py.
#include "node/places/web_provider.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/post.hpp>
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "node/http/server.hpp"
#include "node/places/google_new.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/free_port.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::node::CapturedLog;
namespace http = herd::node::http;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;
using nlohmann::json;

namespace {

constexpr Query kQuery{.latitude = 34, .longitude = -118, .radius_km = 10, .max = 5};
const std::string kKey = "test-key-without-use";

// A service that answers with one place at the centre of the requested area, or with an error.
class Service {
 public:
  Service() {
    http::Limits limits;
    limits.request.body_bytes = std::size_t{64} * 1024;
    while (!server_) {  // another test may have taken the port
      http::Router router;
      router.add("POST", "/places", [this](const http::Request& request, const http::Responder& responder) {
        if (holds) {
          held_.emplace_back(responder, answer(request));
        } else {
          responder.send(answer(request));
        }
      });
      port_ = herd::node::free_port();
      auto started = http::Server::start({"127.0.0.1", port_},
                                         {io_, std::move(router), std::make_shared<http::Figures>(), limits});
      if (started) server_ = std::move(*started);
    }
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] ProviderUrl url() const {
    return *parse_provider_url("http://127.0.0.1:" + std::to_string(port_) + "/places");
  }

  // Sends the answers held back so far, and no longer holds back any.
  void release() {
    holds = false;
    asio::post(*io_, [this] {
      for (auto& [responder, response] : std::exchange(held_, {})) responder.send(std::move(response));
    });
  }

  std::atomic<int> status{200};
  std::atomic<int> requests{0};
  std::atomic<bool> holds{false};

 private:
  http::Response answer(const http::Request& request) {
    ++requests;
    if (status != 200) {
      return {status, "application/json", json{{"error", {{"message", "the key " + kKey + " is bad"}}}}.dump()};
    }
    const json center = json::parse(request.body)["locationRestriction"]["circle"]["center"];
    const json place{{"id", "1"}, {"displayName", {{"text", "the " + kKey + " bar"}}}, {"location", center}};
    return {200, "application/json", json{{"places", {place}}}.dump()};
  }

  std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
  std::vector<std::pair<http::Responder, http::Response>> held_;  // server's thread only
  std::uint16_t port_ = 0;
  std::unique_ptr<http::Server> server_;  // its thread ends before all that its page uses
};

// A provider, and a time that follows the clock but can be advanced.
class Bench {
 public:
  explicit Bench(FoundKey key = {*ApiKey::parse(kKey), ""})
      : provider_(http_, WebProvider::Options{google_new(), service.url(), std::move(key), 60s}) {}

  Service service;
  Nanoseconds ahead{};

  [[nodiscard]] Now now() const { return {std::chrono::steady_clock::now().time_since_epoch() + ahead, 0ns}; }

  LookupId ask(const Query& query = kQuery, Nanoseconds patience = 10s) {
    known_ = provider_.ask(++last_, query, now().steady + patience, now());
    return last_;
  }

  LookupResult wait() {
    if (known_) return *std::exchange(known_, std::nullopt);
    for (const auto deadline = now().steady + 20s; now().steady < deadline;) {
      if (auto result = poll()) return *result;
      http_.wait(-1, now(), now().steady + 100ms);
    }
    FAIL("nothing was found");
    return {};
  }

  std::optional<LookupResult> poll() {
    http_.work(now());
    return provider_.poll();
  }

  LookupResult answer(const Query& query = kQuery) {
    const LookupId lookup = ask(query);
    LookupResult result = wait();
    CHECK(result.lookup == lookup);
    return result;
  }

  WebProvider& provider() { return provider_; }

 private:
  HttpFetcher http_;
  WebProvider provider_;
  std::optional<LookupResult> known_;  // a result that ask() has returned
  LookupId last_ = 0;
};

Query north_of(Query query, double metres) {
  query.latitude += metres / 111'195.08;
  return query;
}

}  // namespace

TEST_CASE("queries of one cell send one request while its answer is fresh, whatever their number of places") {
  Bench bench;
  CHECK(bench.answer().status == Status::Ok);
  Query more = kQuery;
  more.max = 20;
  CHECK(bench.answer(more).status == Status::Ok);
  CHECK(bench.service.requests == 1);
  CHECK(bench.provider().figures().hits == 1);
  bench.ahead += 61s;
  CHECK(bench.answer().status == Status::Ok);
  CHECK(bench.service.requests == 2);
}

TEST_CASE("concurrent lookups of one cell share one request") {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.ask();
  std::set<LookupId> answered;
  for (int i = 0; i < 100; ++i) {
    const LookupResult result = bench.wait();
    CHECK(result.status == Status::Ok);
    answered.insert(result.lookup);
  }
  CHECK(answered.size() == 100);
  CHECK(bench.service.requests == 1);
  CHECK(bench.provider().figures().shared == 99);
}

TEST_CASE("a shared answer never shows a place outside the radius of the query") {
  Bench bench;
  Query first = kQuery;  // with a radius of a metre, a cell is as large as the radius
  first.radius_km = 0.0009;
  while (cell_of(north_of(first, 0.95)) != cell_of(first)) first = north_of(first, 0.02);
  CHECK(bench.answer(first).status == Status::Ok);  // the service's place is at the position of the first query
  CHECK(bench.answer(north_of(first, 0.85)).status == Status::Ok);
  CHECK(bench.answer(north_of(first, 0.95)).status == Status::ZeroResults);
  CHECK(bench.service.requests == 1);
}

TEST_CASE("a failed lookup has a stale answer to fall back on, which is marked as stale") {
  Bench bench;
  bench.answer();
  bench.service.status = 503;
  bench.ahead += 75s;
  const LookupResult result = bench.answer();
  CHECK(result.status == Status::UnknownError);
  REQUIRE(result.stale);
  CHECK(result.stale->status == Status::Ok);
  CHECK(result.stale->age.find("s old") != std::string::npos);
  CHECK(bench.provider().figures().stale == 1);
}

TEST_CASE("a service that fails five times rests, is tested once, and is used again after its first answer") {
  CapturedLog log;
  Bench bench;
  bench.service.status = 500;
  for (int i = 0; i < Breaker::kFailures; ++i) {
    CHECK(bench.answer().trouble.find("HTTP 500") != std::string::npos);
  }
  CHECK(bench.provider().figures().state == ProviderState::Resting);
  const LookupResult resting = bench.answer();
  CHECK(resting.status == Status::UnknownError);
  CHECK(resting.trouble.find("not asked for 1 s") != std::string::npos);
  CHECK(bench.service.requests == Breaker::kFailures);
  bench.ahead += Breaker::kFirstRest;
  bench.service.status = 200;
  bench.service.holds = true;
  bench.ask();
  CHECK_FALSE(bench.poll());
  CHECK(bench.provider().figures().state == ProviderState::Trying);
  bench.service.release();
  CHECK(bench.wait().status == Status::Ok);
  CHECK(bench.provider().figures().state == ProviderState::Ready);
  CHECK(log.count("event=places_provider_resting provider=google") == 1);
  CHECK(log.count("event=places_provider_ready provider=google") == 1);
}

TEST_CASE("invalid requests do not make a service rest") {
  Bench bench;
  bench.service.status = 400;
  for (int i = 0; i < 2 * Breaker::kFailures; ++i) CHECK(bench.answer().status == Status::InvalidRequest);
  CHECK(bench.provider().figures().state == ProviderState::Ready);
}

TEST_CASE("the key is in no answer, failure, figure or log line, although the service repeats it") {
  CapturedLog log(spdlog::level::trace);
  Bench bench;
  const LookupResult good = bench.answer();
  CHECK(good.document.find("the [key] bar") != std::string::npos);
  bench.service.status = 403;
  const LookupResult bad = bench.answer(north_of(kQuery, 5000));
  CHECK(bad.status == Status::RequestDenied);
  CHECK(bad.trouble.find("the key [key] is bad") != std::string::npos);
  for (const auto& text : {good.document, bad.trouble, bench.provider().figures().trouble, log.text()}) {
    CHECK(text.find(kKey) == std::string::npos);
  }
  CHECK(log.count("places_request_failed") == 1);
}

TEST_CASE("without a key every lookup is denied at once, with the advice") {
  Bench bench(FoundKey{{}, "set the variable X"});
  const LookupResult result = bench.answer();
  CHECK(result.status == Status::RequestDenied);
  CHECK(result.trouble == "google has no key: set the variable X");
  CHECK(bench.provider().figures().state == ProviderState::NoKey);
  CHECK(bench.service.requests == 0);
}

TEST_CASE("a cancelled lookup has no result, and its answer is cached nevertheless") {
  Bench bench;
  bench.service.holds = true;
  const LookupId unwanted = bench.ask();
  const LookupId wanted = bench.ask();
  CHECK_FALSE(bench.poll());
  bench.provider().forget(unwanted);
  bench.service.release();
  CHECK(bench.wait().lookup == wanted);
  CHECK_FALSE(bench.poll());
  CHECK(bench.provider().figures().cached == 1);
}

TEST_CASE("a request ends at its deadline, and a wait for it does too") {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);  // the kernel accepts connections, and no reply is sent
  const auto address = herd::node::loopback(herd::node::free_port());
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener, 8) == 0);
  HttpFetcher http;
  WebProvider silent(http, {google_new(),
                            *parse_provider_url("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/"),
                            {*ApiKey::parse(kKey), ""},
                            60s});
  const auto clock = [] { return Now{std::chrono::steady_clock::now().time_since_epoch(), 0ns}; };
  const Nanoseconds deadline = clock().steady + 50ms;
  CHECK_FALSE(silent.ask(1, kQuery, deadline, clock()));
  http.work({deadline - 1ns, 0ns});
  CHECK_FALSE(silent.poll());
  while (clock().steady < deadline) http.wait(-1, clock(), Nanoseconds::max());
  http.work({deadline, 0ns});
  const auto result = silent.poll();
  REQUIRE(result);
  CHECK(result->trouble.find("did not answer in time") != std::string::npos);
  close(listener);
}

TEST_CASE("a wait ends when it is woken, also if that comes first, and when its descriptor is readable") {
  HttpFetcher http;
  http.wake();
  http.wait(-1, {}, Nanoseconds::max());
  std::thread waker([&http] { http.wake(); });
  http.wait(-1, {}, Nanoseconds::max());
  waker.join();
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  close(pipe[1]);
  http.wait(pipe[0], {}, Nanoseconds::max());
  close(pipe[0]);
}

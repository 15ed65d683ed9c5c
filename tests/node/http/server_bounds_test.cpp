// The bounds of the server: time, connections, bytes.
#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "node/http/server.hpp"
#include "tests/node/http/test_server.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node::http {
namespace {

std::string post_of(std::size_t bytes) {
  return "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

TEST_CASE("large bodies of all connections are bounded together, and give back their share") {
  Limits limits;
  limits.bodies_in_all = 5'000;
  TestServer server(limits);
  const std::string body(3'000, 'b');
  RawClient first(server.port);
  REQUIRE(first.send(post_of(3'000)));
  REQUIRE(first.send(body.substr(1)));
  const auto is_full = [&](std::size_t bytes) {
    const auto answer = ask(server.port, post_of(bytes));
    return answer && answer->status == 503;
  };
  CHECK(wait_until([&] { return is_full(3'000); }));
  RawClient small(server.port);
  CHECK(small.ask(post_of(kMaxBodyBytes) + std::string(kMaxBodyBytes, 'b'))->body == "1024\n");
  REQUIRE(first.send("b"));
  CHECK(first.read()->body == "3000\n");
  CHECK(first.ask(post_of(5'000) + std::string(5'000, 'b'))->body == "5000\n");
  {
    RawClient broken(server.port);
    REQUIRE(broken.send(post_of(5'000)));
    CHECK(wait_until([&] { return is_full(2'000); }));
  }
  CHECK(wait_until([&] {
    const auto answer = ask(server.port, post_of(5'000) + std::string(5'000, 'b'));
    return answer && answer->status == 200;
  }));
}

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Sends one byte at a time until the server ends the connection, for at most 20 s.
void trickle(RawClient& client, std::string_view begin) {
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  client.send(begin);
  while (!client.ends_within(milliseconds(50)) && steady_clock::now() < until) client.send("x");
}

TEST_CASE("a request that arrives byte by byte is ended with 408 at its deadline") {
  Limits limits;
  limits.request_time = milliseconds(400);
  TestServer server(limits);
  for (const auto* begin :
       {"GET /ok HTTP/1.1\r\nX: ", "G", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"}) {
    INFO(begin);
    const auto since = steady_clock::now();  // the server may accept before the constructor of the client returns
    RawClient client(server.port);
    trickle(client, begin);
    const auto time = steady_clock::now() - since;
    CHECK(time >= milliseconds(400));
    CHECK(time < std::chrono::seconds(10));
    CHECK(client.received().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  }
  CHECK(server.figures().overdue == 3);
}

TEST_CASE("a slow second request is ended as well, with a deadline counted from its first byte") {
  Limits limits;
  limits.request_time = milliseconds(400);
  TestServer server(limits);
  RawClient client(server.port);
  REQUIRE(client.ask(request_for("/ok")));
  trickle(client, "GET /ok");
  CHECK(client.received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("an idle connection is closed without a response, before its first request and after") {
  Limits limits;
  limits.request_time = milliseconds(200);
  limits.idle_time = milliseconds(300);
  TestServer server(limits);
  RawClient silent(server.port);
  CHECK(silent.read_to_end().empty());
  RawClient client(server.port);
  const auto begin = steady_clock::now();
  REQUIRE(client.ask(request_for("/ok")));
  CHECK(client.read_to_end().empty());
  CHECK(steady_clock::now() - begin >= milliseconds(300));
  CHECK(server.figures().overdue == 0);
}

TEST_CASE("a page that does not answer in time gives 503, and its late answer is not sent") {
  Limits limits;
  limits.answer_time = milliseconds(200);
  TestServer server(limits);
  const auto answer = get(server.port, "/late");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->body == "the page has not answered in time\n");
}

TEST_CASE("the connection of a client that does not read its response is reset") {
  Limits limits;
  limits.response_time = milliseconds(300);
  TestServer server(limits);
  RawClient deaf(server.port, "127.0.0.1", 4096);
  deaf.send(request_for("/large?4000000"));
  REQUIRE(wait_until([&] { return server.figures().overdue == 1; }));
  CHECK(server.figures().connections == 0);
  CHECK(deaf.ends_within(std::chrono::seconds(10)));
  CHECK(deaf.was_reset());
}

TEST_CASE("both sides of the bound of a response") {
  Limits limits;
  limits.response_bytes = 1000;
  TestServer server(limits);
  CHECK(get(server.port, "/large?1000")->status == 200);
  const auto large = get(server.port, "/large?1001");
  REQUIRE(large);
  CHECK(large->status == 500);
  CHECK(large->body == "the response is larger than the server may send\n");
}

TEST_CASE("unread responses are bounded in total: the connection without progress for longest is ended") {
  Limits limits;
  limits.response_time = std::chrono::seconds(60);
  limits.held_bytes = 2'500'000;
  TestServer server(limits);
  std::vector<RawClient> deaf;
  for (std::size_t i = 0; i < 3; ++i) {
    deaf.emplace_back(server.port, "127.0.0.1", 4096);
    deaf.back().send(request_for("/large?1000000"));
    REQUIRE(wait_until([&] { return server.figures().requests == i + 1; }));
    CHECK(server.figures().turned_away == (i < 2 ? 0 : 1));
  }
  CHECK(deaf[0].ends_within(std::chrono::seconds(10)));
  CHECK(get(server.port, "/ok")->status == 200);
  CHECK(deaf[2].read()->body.size() == 1'000'000);
}

TEST_CASE("after a refusal the server reads for a bounded time and at most a bounded number of bytes") {
  Limits limits;
  limits.discard_time = milliseconds(300);
  limits.discarded_bytes = 100'000;
  TestServer server(limits);
  RawClient open(server.port);
  REQUIRE(open.ask("BAD\n"));  // and does not close the connection
  REQUIRE(wait_until([&] { return server.figures().connections == 0; }));
  RawClient flood(server.port);
  const std::string piece(10'000, 'a');
  flood.send("BAD\n");
  std::size_t sent = 0;
  while (flood.send(piece) && sent < std::size_t{1} << 30) sent += piece.size();
  CHECK(sent < std::size_t{1} << 30);
}

TEST_CASE("at the bound per address the longest waiting connection is closed, with 503 if it has begun a request") {
  Limits limits;
  limits.connections = 10;
  limits.connections_an_address = 4;
  limits.request_time = std::chrono::seconds(60);
  TestServer server(limits);
  std::vector<RawClient> slow;
  for (std::size_t i = 0; i < limits.connections_an_address; ++i) {
    slow.emplace_back(server.port);
    slow.back().send("GET /ok HTTP/1.1\r\nX: ");
    REQUIRE(wait_until([&] { return server.figures().connections == slow.size(); }));
  }
  CHECK(server.figures().turned_away == 0);
  CHECK(get(server.port, "/ok")->status == 200);  // one more than the bound
  CHECK(server.figures().turned_away == 1);
  const auto evicted = slow[0].read();
  REQUIRE(evicted);
  CHECK(evicted->status == 503);
  CHECK(evicted->body == "too many connections: this one waited longest for its request\n");
  CHECK_FALSE(slow[1].ends_within(milliseconds(50)));
}

TEST_CASE("all of loopback counts as one address") {
  Limits limits;
  limits.connections_an_address = 4;
  limits.request_time = std::chrono::seconds(60);
  TestServer server(limits);
  std::vector<RawClient> idle;
  for (const auto* from : {"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}) idle.emplace_back(server.port, from);
  REQUIRE(wait_until([&] { return server.figures().connections == 4; }));
  for (int i = 0; i < 20; ++i) CHECK(get(server.port, "/ok")->status == 200);
  CHECK(server.figures().turned_away >= 1);
  CHECK(idle[0].ends_within(std::chrono::seconds(10)));
}

TEST_CASE("if no connection can be closed, a new one is answered with 503 and closed") {
  Limits limits;
  limits.connections = 3;
  limits.connections_an_address = 3;
  TestServer server(limits);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(server.port);
    waiting.back().send(request_for("/never"));
  }
  REQUIRE(wait_until([&] { return server.figures().requests == 3; }));
  RawClient one_more(server.port);
  const auto answer = one_more.read();
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->body == "too many connections: try again later\n");
  CHECK(one_more.ends_within(std::chrono::seconds(10)));
  CHECK(server.figures().connections == 3);
}

TEST_CASE("a thousand slow clients do not delay a complete request, although few connections are allowed") {
  Limits limits;
  limits.connections = 48;
  limits.connections_an_address = 40;
  TestServer server(limits);
  std::vector<RawClient> slow;
  milliseconds longest{0};
  for (int i = 0; i < 1000; ++i) {
    slow.emplace_back(server.port);
    slow.back().send("GET /ok HTTP/1.1\r\nX: ");
    if (i % 20 != 0) continue;
    const auto begin = steady_clock::now();
    const auto answer = get(server.port, "/ok");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin));
  }
  CHECK(longest < std::chrono::seconds(2));
  CHECK(server.figures().connections <= limits.connections_an_address);
}

// Takes all free descriptors of the process, until the end of this object.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    for (int taken = dup(0); taken >= 0; taken = dup(0)) {
      taken_.push_back(taken);
      if (taken_.size() == 4000) break;
      // Sets the soft limit to just above the first free descriptor: then all below it are in use.
      const rlimit low{static_cast<rlim_t>(taken) + 1, before_.rlim_max};
      setrlimit(RLIMIT_NOFILE, &low);
    }
  }
  ~NoDescriptors() {
    for (const int taken : taken_) close(taken);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

TEST_CASE("without a free descriptor the server waits instead of spinning, and continues when there is one") {
  TestServer server;
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto to = loopback(server.port);
  {
    const NoDescriptors none;
    REQUIRE(connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    const double before = cpu_seconds();
    std::this_thread::sleep_for(milliseconds(500));  // the time in which its CPU use is measured
    CHECK(cpu_seconds() - before < 0.3);
    CHECK(server.figures().connections == 0);
  }
  CHECK(wait_until([&] { return server.figures().connections == 1; }));
  ::close(client);
}

}  // namespace
}  // namespace herd::node::http

#include "node/http_server.hpp"

#include <httplib.h>
#include <sys/ioctl.h>

#include <nlohmann/json.hpp>

#include "node/metrics.hpp"
#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/status_loop.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct HttpFixture {
  StatusLoop loop;
  Address address{"127.0.0.1", free_port()};
  std::unique_ptr<HttpServer> server = start();
  httplib::Client client{address.host, address.port};

  std::unique_ptr<HttpServer> start() const {
    auto started = HttpServer::start(address, loop.board);
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(*started);
  }

  // A connection of which the server has read all of `text`, which is all that was sent; the caller closes it.
  int accepted(std::string_view text) const {
    const int socket = connection(text);
    REQUIRE(wait_until([&] {
      int unread = 1;
      const int other = server_end(socket);
      return other >= 0 && ioctl(other, FIONREAD, &unread) == 0 && unread == 0;
    }));
    return socket;
  }

  // The server is in this process, so its end of a connection is one of our descriptors; -1 before it has accepted.
  static int server_end(int client) {
    sockaddr_in ours{};
    socklen_t size = sizeof ours;
    getsockname(client, reinterpret_cast<sockaddr*>(&ours), &size);
    for (int candidate = 0; candidate < 1024; ++candidate) {
      sockaddr_in peer{};
      size = sizeof peer;
      if (getpeername(candidate, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
      if (peer.sin_family == AF_INET && peer.sin_port == ours.sin_port) return candidate;
    }
    return -1;
  }

  static std::uint64_t descriptors() { return read_process_metrics().open_descriptors.value(); }

  // A connection that has sent `text` and nothing else; the caller closes it.
  int connection(std::string_view text) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto to = loopback(address.port);
    REQUIRE(connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    return socket;
  }

  milliseconds time_to_stop() {
    const auto begin = steady_clock::now();
    server.reset();
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  }
};

TEST_CASE_METHOD(HttpFixture, "a node whose loop turns is healthy and, once synchronised, ready") {
  const auto health = client.Get("/healthz");
  REQUIRE(health);
  CHECK(health->status == 200);
  CHECK(health->body == "ok\n");
  const auto ready = client.Get("/readyz");
  REQUIRE(ready);
  CHECK(ready->status == 200);
  CHECK(ready->body == "ready\n");
}

TEST_CASE_METHOD(HttpFixture, "a node that is not ready says for whom it waits, and is healthy all the same") {
  loop.ready = false;
  const auto ready = client.Get("/readyz");
  REQUIRE(ready);
  CHECK(ready->status == 503);
  CHECK(ready->body == "not ready: the first synchronisation waits for Smith\n");
  CHECK(client.Get("/healthz")->status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a node that cannot keep what it must answer for is not healthy") {
  CHECK(client.Get("/healthz")->status == 200);
  loop.disk_full = true;
  REQUIRE(wait_until([&] { return client.Get("/healthz")->status == 503; }));
  CHECK(client.Get("/healthz")->body == "not healthy: the journal cannot be written: No space left on device\n");
  CHECK(client.Get("/readyz")->status == 200);
  loop.replies_wait = false;
  CHECK(wait_until([&] { return client.Get("/healthz")->status == 200; }));
}

TEST_CASE_METHOD(HttpFixture, "a stuck loop is 503 with one line on every path") {
  loop.stuck = true;
  for (const auto* path : {"/healthz", "/readyz", "/metrics", "/status.json"}) {
    INFO(path);
    const auto answer = client.Get(path);
    REQUIRE(answer);
    CHECK(answer->status == 503);
    CHECK(answer->body.ends_with(": the loop has not answered within 1 s\n"));
  }
}

TEST_CASE_METHOD(HttpFixture, "the status is JSON, and the metrics have the type that Prometheus asks for") {
  const auto status = client.Get("/status.json");
  REQUIRE(status);
  CHECK(status->get_header_value("Content-Type") == "application/json");
  CHECK(nlohmann::json::parse(status->body).at("node") == "Hill");
  const auto metrics = client.Get("/metrics");
  REQUIRE(metrics);
  CHECK(metrics->get_header_value("Content-Type") == "text/plain; version=0.0.4");
  CHECK(metrics->body.find("\nherd_clients 3\n") != std::string::npos);
  CHECK(metrics->body.find("\nprocess_open_fds ") != std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "HEAD is GET without the body") {
  const auto head = client.Head("/healthz");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->get_header_value("Content-Length") == "3");
  CHECK(head->body.empty());
}

TEST_CASE_METHOD(HttpFixture, "an unknown path is answered with one line that names the paths") {
  for (const auto* path : {"/", "/health", "/status_json", "/healthz/", "/../etc/passwd"}) {
    INFO(path);
    const auto answer = client.Get(path);
    REQUIRE(answer);
    CHECK(answer->status == 404);
    CHECK(answer->body == "no such path; there are /healthz, /readyz, /metrics and /status.json\n");
  }
}

TEST_CASE_METHOD(HttpFixture, "another method is refused, and so is a body") {
  const auto post = client.Post("/healthz", "x", "text/plain");
  REQUIRE(post);
  CHECK(post->status == 405);
  CHECK(post->get_header_value("Allow") == "GET, HEAD");
  CHECK(client.Delete("/status.json")->status == 405);
  CHECK(client.Post("/healthz", std::string(1024, 'x'), "text/plain")->status == 405);
  const auto large = client.Post("/healthz", std::string(1025, 'x'), "text/plain");
  if (large) CHECK(large->status == 413);
}

TEST_CASE_METHOD(HttpFixture, "a second server on the same address is refused with the address") {
  const auto second = HttpServer::start(address, loop.board);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.starts_with("http address 127.0.0.1:" + std::to_string(address.port) + " is in use: "));
  CHECK(client.Get("/healthz")->status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a restart gets its address although former connections are in TIME_WAIT") {
  REQUIRE(client.Get("/healthz")->status == 200);
  server.reset();
  loop.board = std::make_shared<StatusBoard>([this] { ++loop.asked; });
  server = start();
  CHECK(server);
}

TEST_CASE("an address that is not this machine's is an error that names it") {
  const auto board = std::make_shared<StatusBoard>([] {});
  const auto foreign = HttpServer::start({"192.0.2.1", 12'440}, board);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message.starts_with("http address 192.0.2.1:12440 cannot be bound: "));
  const auto foreign6 = HttpServer::start({"2001:db8::1", 12'440}, board);
  REQUIRE_FALSE(foreign6);
  CHECK(foreign6.error().message.starts_with("http address [2001:db8::1]:12440 cannot be bound: "));
}

TEST_CASE_METHOD(HttpFixture, "a connection is closed after its answer, whatever the client would like") {
  const int socket = connection("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  std::string all;
  char buffer[512];
  for (ssize_t got = 0; (got = recv(socket, buffer, sizeof buffer, 0)) > 0;) all.append(buffer, got);
  close(socket);
  CHECK(all.ends_with("\r\n\r\nok\n"));
}

TEST_CASE_METHOD(HttpFixture,
                 "idle connections take 16 descriptors and no more, and when they end the next is served") {
  const auto before = descriptors();
  std::vector<int> idle;
  while (idle.size() < 16) idle.push_back(accepted(""));
  while (idle.size() < 20) idle.push_back(connection(""));
  std::uint64_t most = 0;
  for (int look = 0; look < 50; ++look) most = std::max(most, descriptors());
  CHECK(most == before + idle.size() + 16);
  for (const int socket : idle) close(socket);
  const auto answer = client.Get("/healthz");
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a server without connections stops at once") {
  CHECK(time_to_stop() < milliseconds(500));
}

TEST_CASE_METHOD(HttpFixture, "a server stops in time with an idle connection and half a request open") {
  const int idle = accepted("");
  const int half = accepted("GET /heal");
  CHECK(time_to_stop() < HttpServer::kStopPatience);
  close(idle);
  close(half);
}

TEST_CASE_METHOD(HttpFixture, "a server stops at once while a request waits for a stuck loop") {
  loop.stuck = true;
  const int waiting = accepted("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(wait_until([&] { return loop.asked == 1; }));
  CHECK(time_to_stop() < milliseconds(700));
  close(waiting);
}

TEST_CASE_METHOD(HttpFixture, "a client that sends its request byte by byte cannot hold up the end") {
  const int slow = accepted("GET /healthz HTTP/1.1\r\nX: ");
  std::atomic<bool> closed = false;
  std::jthread trickle([&](const std::stop_token& end) {
    while (!end.stop_requested() && send(slow, "x", 1, MSG_NOSIGNAL) == 1) {
      std::this_thread::sleep_for(milliseconds(50));
    }
    closed = true;
  });
  const auto time = time_to_stop();
  CHECK(time >= HttpServer::kStopPatience);
  CHECK(time < HttpServer::kStopPatience + milliseconds(1'000));
  trickle.request_stop();
  REQUIRE(wait_until([&] { return closed.load(); }));
  close(slow);
}

}  // namespace
}  // namespace herd::node

#include "node/http_server.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "node/metrics.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

constexpr std::size_t kThreads = 3;  // a scrape, a probe and a person at once
constexpr int kMaxConnections = 16;  // taken from the kernel and not yet answered; more would eat descriptors
constexpr std::size_t kMaxPayloadBytes = 1024;  // nothing here reads a body
constexpr time_t kSilenceSeconds = 1;           // httplib counts a client's silence in whole seconds
constexpr const char* kPlainText = "text/plain; charset=utf-8";
constexpr const char* kPaths = "/healthz, /readyz, /metrics and /status.json";

// httplib queues connections without bound, and each is a descriptor that clients then lack. When so many wait, the
// accepting thread waits too, and what still comes stays with the kernel.
class BoundedPool : public httplib::ThreadPool {
 public:
  BoundedPool() : httplib::ThreadPool(kThreads) {}

  // void in older versions of httplib, bool in newer ones.
  using Enqueued = decltype(std::declval<httplib::ThreadPool&>().enqueue(nullptr));

  Enqueued enqueue(std::function<void()> answer) override {
    // One less, for the connection that the accepting thread has in its hand meanwhile.
    while (connections_ >= kMaxConnections - 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++connections_;
    return httplib::ThreadPool::enqueue([this, answer = std::move(answer)] {
      answer();
      --connections_;
    });
  }

 private:
  std::atomic<int> connections_ = 0;
};

// httplib sets SO_REUSEPORT, with which a second node would get a part of the first one's requests instead of an error.
// SO_REUSEADDR alone lets a node restart while its former connections are in TIME_WAIT, and refuses two listeners.
void let_one_listen(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

void unavailable(httplib::Response& response, const std::string& line) {
  response.status = 503;
  response.set_content(line, kPlainText);
}

constexpr const char* kStuck = "the loop has not answered within 1 s\n";

std::string what_is_missing(const Status& status) {
  std::string down;
  for (const auto& link : status.links) {
    if (link.state != LinkState::Up) down += (down.empty() ? "" : ", ") + link.peer;
  }
  if (down.empty()) return "not ready: the first synchronisation is under way\n";
  return "not ready: the first synchronisation waits for " + down + "\n";
}

// A node that cannot keep what it is told answers no client's IAMAT: somebody must act.
void answer_health(const Status& status, httplib::Response& response) {
  const JournalStatus& journal = status.journal;
  if (!journal.trouble.empty() && journal.replies_wait) {
    return unavailable(response, "not healthy: the journal cannot be written: " + journal.trouble + "\n");
  }
  response.set_content("ok\n", kPlainText);
}

void answer_ready(const Status& status, httplib::Response& response) {
  if (!status.ready) return unavailable(response, what_is_missing(status));
  response.set_content("ready\n", kPlainText);
}

// What a path needs a status for; 503 with one line where the loop gives none.
template <typename Answer>
httplib::Server::Handler with_status(StatusBoard& board, const char* trouble, Answer answer) {
  return [&board, trouble, answer](const httplib::Request&, httplib::Response& response) {
    const auto status = board.fresh();
    if (!status) return unavailable(response, std::string(trouble) + kStuck);
    answer(*status, response);
  };
}

void route(httplib::Server& server, StatusBoard& board) {
  server.Get("/healthz", with_status(board, "not healthy: ", answer_health));
  server.Get("/readyz", with_status(board, "not ready: ", answer_ready));
  server.Get("/metrics", with_status(board, "no metrics: ", [](const Status& status, httplib::Response& response) {
               response.set_content(to_prometheus(status, read_process_metrics()), "text/plain; version=0.0.4");
             }));
  server.Get(R"(/status\.json)",
             with_status(board, "no status: ", [](const Status& status, httplib::Response& response) {
               response.set_content(to_json(status), "application/json");
             }));
}

// Everything that no handler has answered: an unknown path, another method, a request that cannot be read.
void answer_mistake(const httplib::Request& request, httplib::Response& response) {
  if (!response.body.empty()) return;
  if (response.status == 404 && request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    response.set_content("only GET and HEAD are answered here\n", kPlainText);
  } else if (response.status == 404) {
    response.set_content(fmt::format("no such path; there are {}\n", kPaths), kPlainText);
  } else {
    response.set_content(fmt::format("the request was refused with status {}\n", response.status), kPlainText);
  }
}

void bound(httplib::Server& server) {
  server.new_task_queue = [] { return new BoundedPool; };  // httplib deletes it
  server.set_socket_options(let_one_listen);
  server.set_payload_max_length(kMaxPayloadBytes);
  // One request a connection: an idle browser would otherwise hold one of the three threads.
  server.set_keep_alive_max_count(1);
  server.set_keep_alive_timeout(kSilenceSeconds);
  server.set_read_timeout(kSilenceSeconds);
  server.set_write_timeout(kSilenceSeconds);
}

std::string to_text(const Address& address) {
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", address.host, ipv6 ? "]" : "", address.port);
}

protocol::Error bind_error(const Address& address, int number) {
  if (number == EADDRINUSE) {
    return {fmt::format("http address {} is in use: end what listens there or give the node another `http`",
                        to_text(address))};
  }
  return {fmt::format("http address {} cannot be bound: {}", to_text(address),
                      number != 0 ? std::strerror(number) : "the host is unknown")};
}

}  // namespace

struct HttpServer::Running {
  std::shared_ptr<StatusBoard> board;
  httplib::Server server;
  std::thread accepting;
  std::atomic<bool> ended = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Address& address, std::shared_ptr<StatusBoard> board) {
  auto running = std::make_shared<Running>();
  running->board = std::move(board);
  auto& server = running->server;
  bound(server);
  route(server, *running->board);
  server.set_error_handler(httplib::Server::Handler(answer_mistake));
  errno = 0;
  if (!server.bind_to_port(address.host, address.port)) return tl::unexpected(bind_error(address, errno));
  running->accepting = std::thread([running] {
    running->server.listen_after_bind();
    running->ended = true;
  });
  // httplib's stop does nothing before this.
  while (!server.is_running() && !running->ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(running)));
}

HttpServer::~HttpServer() {
  running_->board->close();
  running_->server.stop();
  const auto deadline = std::chrono::steady_clock::now() + kStopPatience;
  while (!running_->ended && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (running_->ended) {
    running_->accepting.join();
  } else {
    running_->accepting.detach();
  }
}

}  // namespace herd::node

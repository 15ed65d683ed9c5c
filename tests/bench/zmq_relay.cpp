// The cost of two hops over ZeroMQ without a herd. Three processes: the first receives lines from clients, the middle
// one forwards messages, and the last answers clients with the newest report.
//
//     zmq-relay first CLIENTS_PORT NEXT_BUS_PORT
//     zmq-relay middle BUS_PORT NEXT_BUS_PORT
//     zmq-relay last BUS_PORT CLIENTS_PORT
//
// The sockets are those of the herd: a DEALER sends, a ROUTER receives, and one loop watches ZeroMQ's descriptor. Each
// read from a client becomes one message. Only the last line is stored; nothing is acknowledged or checked.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <zmq.hpp>

namespace {

constexpr std::string_view kIamat = "IAMAT ";
constexpr std::string_view kAtHead = "AT Relay +0.000000001 ";
constexpr std::string_view kDocument = "\n{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}\n\n";
constexpr int kEvents = 64;

void add(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 64) != 0) {
    std::perror("zmq-relay");
    std::exit(1);
  }
  return listener;
}

std::string bus_address(const char* port) {
  return std::string("tcp://127.0.0.1:") + port;
}

class Relay {
 public:
  void clients_on(const char* port) {
    listener_ = listen_on(static_cast<std::uint16_t>(std::atoi(port)));
    add(epoll_, listener_);
  }
  void bus_on(const char* port) {
    in_.bind(bus_address(port));
    bus_ = in_.get(zmq::sockopt::fd);
    add(epoll_, bus_);
  }
  void next_at(const char* port) {
    out_.connect(bus_address(port));
    has_next_ = true;
  }
  [[noreturn]] void run();

 private:
  void serve(int client);
  void answer(std::string_view line);
  void accept_client();
  bool receive();
  void forward(zmq::message_t&& message) { (void)out_.send(std::move(message), zmq::send_flags::dontwait); }

  zmq::context_t context_;
  zmq::socket_t in_{context_, zmq::socket_type::router};
  zmq::socket_t out_{context_, zmq::socket_type::dealer};
  int epoll_ = epoll_create1(0);
  int listener_ = -1;
  int bus_ = -1;  // ZeroMQ's descriptor
  bool has_next_ = false;
  std::unordered_map<int, std::string> rests_;  // by client: the start of an incomplete line
  std::string reports_;                         // the reports of one read, which become one message
  std::string replies_;
  std::string last_;  // client, coordinates and time
  std::array<char, 65'536> input_{};
};

void Relay::answer(std::string_view line) {
  if (line.starts_with(kIamat)) {
    const std::string_view report = line.substr(kIamat.size());
    replies_.append(kAtHead).append(report).push_back('\n');
    reports_.append(report).push_back('\n');
  } else if (last_.empty()) {
    replies_.append("? ").append(line).push_back('\n');
  } else {
    replies_.append(kAtHead).append(last_).append(kDocument);
  }
}

void Relay::serve(int client) {
  const ssize_t got = recv(client, input_.data(), input_.size(), 0);
  std::string& rest = rests_[client];
  if (got <= 0) {
    rests_.erase(client);
    close(client);
    return;
  }
  rest.append(input_.data(), static_cast<std::size_t>(got));
  replies_.clear();
  reports_.clear();
  std::size_t begin = 0;
  for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
    answer(std::string_view(rest).substr(begin, end - begin));
    begin = end + 1;
  }
  rest.erase(0, begin);
  (void)send(client, replies_.data(), replies_.size(), MSG_NOSIGNAL);
  if (has_next_ && !reports_.empty()) forward(zmq::message_t(reports_.data(), reports_.size()));
}

void Relay::accept_client() {
  const int client = accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  add(epoll_, client);
}

// Receives a message and forwards it, or stores its last line. Returns false if there is none.
bool Relay::receive() {
  zmq::message_t route;
  zmq::message_t message;
  if (!in_.recv(route, zmq::recv_flags::dontwait)) return false;
  (void)in_.recv(message);
  if (has_next_) {
    forward(std::move(message));
    return true;
  }
  std::string_view lines = message.to_string_view();
  lines.remove_suffix(1);
  last_ = lines.substr(lines.rfind('\n') + 1);
  return true;
}

void Relay::run() {
  std::array<epoll_event, kEvents> events{};
  while (true) {
    const int ready = epoll_wait(epoll_, events.data(), kEvents, -1);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener_) {
        accept_client();
      } else if (descriptor != bus_) {
        serve(descriptor);
      }
    }
    // ZeroMQ's descriptor is edge-triggered, and sending may consume its event, so read all messages each time.
    while (receive()) {
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc == 4 ? argv[1] : "";
  Relay relay;
  if (part == "first") {
    relay.clients_on(argv[2]);
    relay.next_at(argv[3]);
  } else if (part == "middle") {
    relay.bus_on(argv[2]);
    relay.next_at(argv[3]);
  } else if (part == "last") {
    relay.bus_on(argv[2]);
    relay.clients_on(argv[3]);
  } else {
    std::fprintf(stderr, "usage: zmq-relay first|middle|last PORT PORT\n");
    return 2;
  }
  relay.run();
}

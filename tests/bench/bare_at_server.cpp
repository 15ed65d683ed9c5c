// bare-at-server PORT: answers every line "IAMAT client coordinates time" with an AT line and does nothing else: no
// checks of the operands, no store, no peers. The remaining cost is that of the sockets, the lower bound for any server
// of this protocol.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr int kEvents = 256;
std::array<char, std::size_t{256} * 1024> input;

std::int64_t now_ns() {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void append_difference(std::string& out, std::int64_t difference) {
  std::array<char, 24> text{};
  const auto magnitude = static_cast<std::uint64_t>(difference < 0 ? -difference : difference);
  out.push_back(difference < 0 ? '-' : '+');
  const auto seconds = std::to_chars(text.data(), text.data() + text.size(), magnitude / 1'000'000'000);
  out.append(text.data(), seconds.ptr);
  out.push_back('.');
  const auto fraction =
      std::to_chars(text.data(), text.data() + text.size(), 1'000'000'000 + magnitude % 1'000'000'000);
  out.append(text.data() + 1, fraction.ptr);
}

// "1520023934.918963997" as nanoseconds; the generator always writes nine digits of fraction.
std::int64_t time_of(std::string_view text) {
  std::int64_t seconds = 0;
  std::int64_t fraction = 0;
  const auto point = text.find('.');
  if (point == std::string_view::npos) return 0;
  std::from_chars(text.data(), text.data() + point, seconds);
  std::from_chars(text.data() + point + 1, text.data() + text.size(), fraction);
  return seconds * 1'000'000'000 + fraction;
}

void answer(std::string_view line, std::int64_t now, std::string& out) {
  constexpr std::string_view kCommand = "IAMAT ";
  if (!line.starts_with(kCommand)) {
    out.append("? ").append(line).push_back('\n');
    return;
  }
  const std::string_view operands = line.substr(kCommand.size());
  out.append("AT Bare ");
  append_difference(out, now - time_of(operands.substr(operands.rfind(' ') + 1)));
  out.push_back(' ');
  out.append(operands).push_back('\n');
}

// Reads once and answers all complete lines. Returns false if the client has gone or does not take the replies.
bool serve(int descriptor, std::string& rest) {
  const ssize_t got = recv(descriptor, input.data(), input.size(), 0);
  if (got <= 0) return false;
  static std::string out;
  out.clear();
  std::string_view bytes(input.data(), static_cast<std::size_t>(got));
  if (!rest.empty()) {
    rest.append(bytes);
    bytes = rest;
  }
  const std::int64_t now = now_ns();
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    answer(bytes.substr(0, end), now, out);
    bytes.remove_prefix(end + 1);
  }
  rest = std::string(bytes);
  return send(descriptor, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
}

int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1024) != 0) {
    std::perror("bare-at-server");
    std::exit(1);
  }
  return listener;
}

void add(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view text = argc == 2 ? argv[1] : "";
  std::uint16_t port = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), port).ptr != text.data() + text.size() || port == 0) {
    std::fprintf(stderr, "usage: bare-at-server PORT\n");
    return 2;
  }
  const int listener = listen_on(port);
  const int epoll = epoll_create1(0);
  add(epoll, listener);
  std::unordered_map<int, std::string> rests;  // by connection: the start of an incomplete line
  std::array<epoll_event, kEvents> events{};
  while (true) {
    const int ready = epoll_wait(epoll, events.data(), kEvents, -1);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener) {
        const int client = accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        const int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(epoll, client);
      } else if (!serve(descriptor, rests[descriptor])) {
        rests.erase(descriptor);
        close(descriptor);
      }
    }
  }
}

#include "tests/bench/load/watcher.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/bench/load/connection.hpp"
#include "tests/bench/load/request_text.hpp"

namespace herd::bench {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} * 1024;
constexpr std::uint32_t kWatchesPerConnection = 64;  // the most that a node allows

void send_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::runtime_error(std::string("sending WATCH: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

[[noreturn]] void refuse(std::string_view line) {
  throw std::runtime_error("a wrong line for a watcher: " + std::string(line.substr(0, 200)));
}

std::string text_of(Position position) {
  std::array<char, kLatitudeLength + kLongitudeLength> text{};
  put_position(text.data(), position);
  return {text.data(), text.size()};
}

}  // namespace

Watcher::Watcher(const Target& target) : in_(kReadBytes), descriptor_(connect_to(target)) {}

Watcher::~Watcher() {
  close(descriptor_);
}

void Watcher::begin(std::string_view commands, std::uint32_t watches) {
  send_all(descriptor_, commands);
  std::uint32_t ready = 0;
  while (ready < watches) {
    if (read_more() == 0) throw std::runtime_error("no answer to WATCH");
    take_lines([&](std::string_view line) {
      if (line.find(" READY ") != std::string_view::npos) {
        ++ready;
      } else if (!line.starts_with("WATCHING ") && !line.starts_with("! ")) {
        refuse(line);
      }
    });
  }
  fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

void Watcher::receive() {
  const std::size_t came = read_more();
  if (came == 0) return;
  ++events_.reads;
  events_.bytes += came;
  take_lines([&](std::string_view line) {
    if (!line.starts_with("! ") || line.find(" END ") != std::string_view::npos) refuse(line);
    ++events_.lines;
  });
}

// Returns the number of bytes; 0 if nothing had come.
std::size_t Watcher::read_more() {
  if (end_ == in_.size()) in_.resize(2 * in_.size());
  const ssize_t got = recv(descriptor_, in_.data() + end_, in_.size() - end_, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) throw std::runtime_error("the server closed the connection of a watcher");
  end_ += static_cast<std::size_t>(got);
  return static_cast<std::size_t>(got);
}

template <typename Line>
void Watcher::take_lines(const Line& line) {
  std::string_view rest(in_.data(), end_);
  std::string_view last;
  for (std::size_t at = rest.find('\n'); at != std::string_view::npos; at = rest.find('\n')) {
    last = rest.substr(0, at);
    line(last);
    rest.remove_prefix(at + 1);
  }
  if (!last.empty()) last_ = last;
  std::memmove(in_.data(), rest.data(), rest.size());
  end_ = rest.size();
}

std::vector<std::unique_ptr<Watcher>> begin_watches(const Options& options, const Fleet* fleet) {
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (std::uint32_t first = 0; first < options.watches; first += kWatchesPerConnection) {
    const std::uint32_t count = std::min(kWatchesPerConnection, options.watches - first);
    std::string commands;
    for (std::uint32_t i = first; i < first + count; ++i) {
      const auto client = static_cast<std::uint32_t>(std::uint64_t{i} * options.clients / options.watches);
      commands += "WATCH w" + std::to_string(i - first) + " NEAR " + text_of(fleet->of(client)) + " " +
                  std::to_string(options.radius) + "\n";
    }
    watchers.push_back(std::make_unique<Watcher>(options.targets.front()));
    watchers.back()->begin(commands, count);
  }
  std::string command = "WATCH w ALL\n";
  if (options.clients == 1) {
    command = std::string(std::string_view("WATCH w CLIENT ").size() + options.id_bytes + 1, '\n');
    put_id(put_text(command.data(), "WATCH w CLIENT "), options.client_base, options.id_bytes);
  }
  for (std::uint32_t i = 0; i < options.watchers; ++i) {
    watchers.push_back(std::make_unique<Watcher>(options.targets.front()));
    watchers.back()->begin(command, 1);
  }
  return watchers;
}

Events sum_of(const std::vector<std::unique_ptr<Watcher>>& watchers) {
  Events sum;
  for (const auto& watcher : watchers) {
    const Events one = watcher->events();
    sum = {sum.lines + one.lines, sum.bytes + one.bytes, sum.reads + one.reads};
  }
  return sum;
}

}  // namespace herd::bench

// Two designs of a node's threads around the same replica and bus, to compare their performance
// (docs/decisions/0013-zmq-fd-in-the-loop.md). Client protocol, command line and COUNT are those of asyncio_herd.py.
//
//     bus-designs loop|mailbox NAME NAME=CLIENTS_PORT,BUS_PORT... LINK...     a link is written Hill-Smith
//
// loop:    one thread; the loop that serves the clients also watches ZeroMQ's descriptors, as in herd-node.
// mailbox: one thread reads and parses the clients' lines, another owns the replica and ZeroMQ. The commands of one
// read
//          go to it in a mailbox (a mutex, a vector that is swapped, an eventfd) and come back with their replies.
//
// Both leave out everything else: no journal, no places, no limits, no checks beyond those of the production parser.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "bus/loop/pump.hpp"
#include "bus/zmq/bus.hpp"
#include "protocol/reply.hpp"

namespace {

using herd::bus::Bus;
using herd::bus::Pump;
using herd::bus::Replica;
using herd::protocol::Command;
using herd::protocol::Iamat;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;
using herd::protocol::Whatsat;

constexpr int kEvents = 256;
constexpr std::string_view kDocument = "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}\n\n";

Now now() {
  return {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
}

int milliseconds_until(Nanoseconds deadline, Now time) {
  if (deadline == Nanoseconds::max()) return -1;
  return static_cast<int>(std::max<std::int64_t>(0, (deadline - time.steady) / std::chrono::milliseconds(1) + 1));
}

struct Arguments {
  std::string name;
  std::map<std::string, std::pair<std::string, std::string>> ports;  // of clients and of the bus
  std::vector<std::string> peers;
};

std::string bus_address(const std::string& port) {
  return "tcp://127.0.0.1:" + port;
}

// The replica with its bus. Used by one thread.
class Core {
 public:
  explicit Core(const Arguments& arguments) : replica_(options(arguments)) {
    Bus::Addresses addresses{{bus_address(arguments.ports.at(arguments.name).second)}, {}};
    for (const auto& peer : arguments.peers) addresses.peers.push_back(bus_address(arguments.ports.at(peer).second));
    auto bus = Bus::open(context_, addresses, replica_);
    if (!bus) {
      std::fprintf(stderr, "bus-designs: %s\n", bus.error().message.c_str());
      std::exit(1);
    }
    bus_ = std::move(*bus);
    pump_.emplace(replica_, *bus_);
  }

  Bus& bus() { return *bus_; }
  Pump& pump() { return *pump_; }

  void execute(const Command& command, std::string_view line, Now time, std::string& out) {
    if (const auto* iamat = std::get_if<Iamat>(&command)) {
      const auto outcome = replica_.accept(*iamat, time);
      if (outcome.result == herd::bus::Accepted::Stored) ++stored_;
      herd::protocol::append_at(
          out, {replica_.self().node, outcome.difference, iamat->client, iamat->coordinates, iamat->time_text});
      return;
    }
    const auto* whatsat = std::get_if<Whatsat>(&command);
    const auto record = whatsat != nullptr ? replica_.find(whatsat->client) : std::nullopt;
    if (record) {
      herd::protocol::append_at(
          out, {record->origin, record->difference, record->client, record->coordinates, record->time_text});
      out.append(kDocument);
    } else if (line == "COUNT") {
      out.append(std::to_string(stored_ + replica_.counters().updates_merged)).push_back('\n');
    } else {
      herd::protocol::append_unknown(out, line);
    }
  }

 private:
  static Replica::Options options(const Arguments& arguments) {
    std::random_device random;
    Replica::Options options;
    options.self = {"designs", arguments.name, random() | 1U, random() | 1U};
    options.peers = arguments.peers;
    options.hash_seed = random();
    return options;
  }

  zmq::context_t context_;
  Replica replica_;
  std::unique_ptr<Bus> bus_;
  std::optional<Pump> pump_;
  std::uint64_t stored_ = 0;
};

// The lines of one read, their commands and replies.
struct Batch {
  int client = -1;
  std::string text;
  struct Parsed {
    Command command;
    std::string_view line;  // a view into `text`, as are the command's texts
  };
  std::vector<Parsed> commands;
  std::string replies;
};
using BatchPtr = std::unique_ptr<Batch>;

void execute(Core& core, Batch& batch, Now time) {
  for (const auto& [command, line] : batch.commands) core.execute(command, line, time, batch.replies);
}

// The clients' sockets in an epoll. Used by one thread.
class Clients {
 public:
  explicit Clients(const std::string& port) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port.c_str())));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 1024) != 0) {
      std::perror("bus-designs");
      std::exit(1);
    }
    watch(listener_);
  }

  void watch(int descriptor) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }

  // Waits once. Calls take(BatchPtr) for the commands of each client, and other(descriptor) for other ready
  // descriptors.
  template <typename Take, typename Other>
  void wait(int milliseconds, Take take, Other other) {
    std::array<epoll_event, kEvents> events{};
    const int ready = epoll_wait(epoll_, events.data(), kEvents, milliseconds);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener_) {
        accept_one();
      } else if (!rests_.contains(descriptor)) {
        other(descriptor);
      } else if (BatchPtr batch = read(descriptor); batch && !batch->commands.empty()) {
        take(std::move(batch));
      }
    }
  }

  static void answer(const Batch& batch) {
    (void)send(batch.client, batch.replies.data(), batch.replies.size(), MSG_NOSIGNAL);
  }

 private:
  void accept_one() {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    rests_.try_emplace(client);
    watch(client);
  }

  BatchPtr read(int client) {
    std::string& rest = rests_[client];
    const ssize_t got = recv(client, input_.data(), input_.size(), 0);
    if (got <= 0) {
      rests_.erase(client);
      close(client);
      return nullptr;
    }
    auto batch = std::make_unique<Batch>();
    batch->client = client;
    batch->text.swap(rest);
    batch->text.append(input_.data(), static_cast<std::size_t>(got));
    const std::size_t end = batch->text.rfind('\n') + 1;  // 0: no complete line yet
    rest = batch->text.substr(end);
    std::string_view lines = std::string_view(batch->text).substr(0, end);
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      batch->commands.push_back({herd::protocol::parse_command(line), line});
      lines.remove_prefix(line.size() + 1);
    }
    return batch;
  }

  int listener_;
  int epoll_ = epoll_create1(0);
  std::unordered_map<int, std::string> rests_;
  std::array<char, 65'536> input_{};
};

class Mailbox {
 public:
  [[nodiscard]] int descriptor() const { return event_; }

  void put(std::vector<BatchPtr>& batches) {
    if (batches.empty()) return;
    bool was_empty = false;
    {
      const std::scoped_lock lock(mutex_);
      was_empty = waiting_.empty();
      std::move(batches.begin(), batches.end(), std::back_inserter(waiting_));
    }
    batches.clear();
    if (was_empty) eventfd_write(event_, 1);
  }

  void take_all(std::vector<BatchPtr>& into) {
    eventfd_t ignored = 0;
    eventfd_read(event_, &ignored);
    const std::scoped_lock lock(mutex_);
    into.swap(waiting_);
  }

 private:
  std::mutex mutex_;
  std::vector<BatchPtr> waiting_;
  int event_ = eventfd(0, EFD_NONBLOCK);
};

// ---- the two designs -----------------------------------------------------------------------------------------------

[[noreturn]] void run_loop(const Arguments& arguments) {
  Core core(arguments);
  Clients clients(arguments.ports.at(arguments.name).first);
  for (const int descriptor : core.bus().descriptors()) clients.watch(descriptor);
  bool busy = core.pump().run(now());
  while (true) {
    Now time = now();
    const int timeout_ms = busy ? 0 : milliseconds_until(core.pump().next_deadline(time), time);
    bool is_read = false;
    const auto at = [&] {  // reads the clock once per iteration, after the wait
      if (!is_read) time = now();
      is_read = true;
      return time;
    };
    clients.wait(
        timeout_ms,
        [&](BatchPtr batch) {
          execute(core, *batch, at());
          Clients::answer(*batch);
        },
        [&](int descriptor) { core.bus().note_readable(descriptor); });
    busy = core.pump().run(at());
  }
}

[[noreturn]] void run_bus_thread(const Arguments& arguments, Mailbox& commands, Mailbox& answers) {
  Core core(arguments);
  std::vector<pollfd> polled{{commands.descriptor(), POLLIN, 0}};
  for (const int descriptor : core.bus().descriptors()) polled.push_back({descriptor, POLLIN, 0});
  std::vector<BatchPtr> batches;
  bool busy = core.pump().run(now());
  while (true) {
    const Now before = now();
    poll(polled.data(), polled.size(), busy ? 0 : milliseconds_until(core.pump().next_deadline(before), before));
    const Now time = now();
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents != 0) core.bus().note_readable(polled[i].fd);
    }
    if (polled[0].revents != 0) commands.take_all(batches);
    for (const auto& batch : batches) execute(core, *batch, time);
    answers.put(batches);
    busy = core.pump().run(time);
  }
}

[[noreturn]] void run_mailbox(const Arguments& arguments) {
  static Mailbox commands;
  static Mailbox answers;
  Clients clients(arguments.ports.at(arguments.name).first);
  clients.watch(answers.descriptor());
  std::thread([&arguments] { run_bus_thread(arguments, commands, answers); }).detach();
  std::vector<BatchPtr> requests;
  std::vector<BatchPtr> finished;
  while (true) {
    clients.wait(
        -1, [&](BatchPtr batch) { requests.push_back(std::move(batch)); }, [&](int) { answers.take_all(finished); });
    commands.put(requests);
    for (const auto& batch : finished) Clients::answer(*batch);
    finished.clear();
  }
}

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  arguments.name = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = word.find('=');
    const auto dash = word.find('-');
    if (equals != std::string::npos) {
      const auto comma = word.find(',');
      arguments.ports[word.substr(0, equals)] = {word.substr(equals + 1, comma - equals - 1), word.substr(comma + 1)};
    } else if (word.substr(0, dash) == arguments.name) {
      arguments.peers.push_back(word.substr(dash + 1));
    } else if (word.substr(dash + 1) == arguments.name) {
      arguments.peers.push_back(word.substr(0, dash));
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view design = argc > 3 ? argv[1] : "";
  if (design != "loop" && design != "mailbox") {
    std::fprintf(stderr, "usage: bus-designs loop|mailbox NAME NAME=CLIENTS_PORT,BUS_PORT... LINK...\n");
    return 2;
  }
  const Arguments arguments = read_arguments(argc, argv);
  if (design == "loop") run_loop(arguments);
  run_mailbox(arguments);
}

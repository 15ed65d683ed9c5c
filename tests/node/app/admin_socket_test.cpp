#include "node/app/admin_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_node.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/wait_until.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

namespace bus = herd::bus;

// A control socket in a directory of its own, before a replica whose acknowledgements the test decides.
struct OneControl {
  asio::io_context io{1};
  ScratchDir directory;
  OneNode node;
  std::chrono::milliseconds ack_timeout{50};
  bus::Replica waiting{bus::Replica::Options{
      .self = {"test", "Hill", 1, 1}, .peers = {}, .limits = {}, .hash_seed = 0, .durability = {true, 0}}};
  AdminSocket control;

  explicit OneControl(bool waits = false)
      : control({io, waits ? waiting : node.replica, node.counters, node.clock, ack_timeout}) {
    REQUIRE(control.listen(directory.path()));
  }

  asio::local::stream_protocol::socket connected() {
    asio::local::stream_protocol::socket socket(io);
    const int place = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    socket.connect(asio::local::stream_protocol::endpoint(fmt::format("/proc/self/fd/{}/control", place)));
    close(place);
    return socket;
  }
  // The answer to what was said, once there is one; empty if there is none within two seconds.
  std::string answer(asio::local::stream_protocol::socket& socket) {
    std::string text;
    socket.non_blocking(true);
    const auto end = std::chrono::steady_clock::now() + 2s;
    while (!text.ends_with('\n') && std::chrono::steady_clock::now() < end) {
      io.poll();
      std::array<char, 256> piece{};
      std::error_code error;
      text.append(piece.data(), socket.read_some(asio::buffer(piece), error));
      if (error == asio::error::eof) break;
    }
    return text;
  }
  nlohmann::json ask(const std::string& said) {
    auto socket = connected();
    asio::write(socket, asio::buffer(said));
    return nlohmann::json::parse(answer(socket));
  }
};

}  // namespace

TEST_CASE("a reset is made, counted and answered; a second one says that it was made") {
  OneControl one;
  REQUIRE(bus::accept(one.node.replica, "kiwi", "5", one.node.now).result == bus::Accepted::Stored);
  CHECK(one.ask("reset-client kiwi\n").dump() == R"({"epoch":1,"node":"Hill","result":"done"})");
  CHECK(bus::is_reset(*one.node.replica.find("kiwi")));
  CHECK(one.ask("reset-client kiwi\n")["result"] == "already");
  CHECK(one.ask("reset-client plum\n")["result"] == "unknown");
  CHECK(one.node.counters.clients_reset == 1);
}

TEST_CASE("what is no command, no id, or too long, is answered with an error") {
  OneControl one;
  for (const std::string& said :
       {std::string("\n"), std::string("reset-client \n"), std::string("reset-client a b\n"), std::string("reset\n"),
        std::string("reset-client a\x01\n"), std::string(2000, 'x')}) {
    CHECK(one.ask(said)["result"] == "error");
  }
}

TEST_CASE("a reset is answered once it is kept, and with an error if that takes too long") {
  OneControl one(true);
  const auto told = bus::accept(one.waiting, "kiwi", "5", one.node.now);
  auto first = one.connected();
  asio::write(first, asio::buffer(std::string("reset-client kiwi\n")));
  CHECK(one.answer(first).find("not yet kept") != std::string::npos);
  CHECK(one.control.awaited() == 0);
  one.ack_timeout = 1min;
  auto second = one.connected();
  asio::write(second, asio::buffer(std::string("reset-client kiwi\n")));
  while (one.control.awaited() == 0) one.io.poll();
  CHECK(one.control.awaited() == told.number + 1);
  one.control.release(told.number);
  CHECK(one.control.awaited() != 0);
  one.control.release(told.number + 1);
  CHECK(one.answer(second).find("already") != std::string::npos);
}

TEST_CASE("a node that stops says so to who waits") {
  OneControl one(true);
  one.ack_timeout = 1min;
  (void)bus::accept(one.waiting, "kiwi", "5", one.node.now);
  auto socket = one.connected();
  asio::write(socket, asio::buffer(std::string("reset-client kiwi\n")));
  while (one.control.awaited() == 0) one.io.poll();
  one.control.stop();
  CHECK(one.answer(socket).find("the node stops") != std::string::npos);
}

TEST_CASE("a control socket that was removed is made again and answers") {
  OneControl one;
  const auto path = one.directory.path() / "control";
  std::filesystem::remove(path);
  CHECK(wait_until([&] {
    one.io.poll();
    return std::filesystem::exists(path);
  }));
  CHECK(one.ask("reset-client plum\n")["result"] == "unknown");
}

TEST_CASE("a connection for which there is no descriptor is served later, and the loop does not spin for it") {
  OneControl one;
  auto socket = one.connected();  // it waits in the backlog
  asio::write(socket, asio::buffer(std::string("reset-client plum\n")));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::size_t handlers = 0;
  const auto end = std::chrono::steady_clock::now() + 350ms;
  while (std::chrono::steady_clock::now() < end) handlers += one.io.run_one_for(10ms);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(handlers > 1);
  CHECK(handlers < 20);  // two for each try, and one try each kAcceptBackOff
  CHECK(one.answer(socket).find("unknown") != std::string::npos);
}

TEST_CASE("a socket that cannot be opened is an error with its path") {
  OneNode node;
  asio::io_context io;
  const std::chrono::milliseconds timeout{1};
  AdminSocket control({io, node.replica, node.counters, node.clock, timeout});
  const auto opened = control.listen("/nonexistent");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.starts_with("control socket /nonexistent/control cannot be opened: "));
}

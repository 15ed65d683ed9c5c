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

// An admin socket in a directory of its own. `waits`: its replica acknowledges nothing until the test releases it.
struct AdminFixture {
  asio::io_context io{1};
  ScratchDir directory;
  OneNode node;
  std::chrono::milliseconds ack_timeout{50};
  bus::Replica waiting{bus::Replica::Options{
      .self = {"test", "Hill", 1, 1}, .peers = {}, .limits = {}, .hash_seed = 0, .durability = {true, 0}}};
  std::vector<std::string> refused;  // by the next reload
  AdminSocket admin;

  explicit AdminFixture(bool waits = false)
      : admin(
            {io, waits ? waiting : node.replica, node.counters, node.clock, ack_timeout, [this] { return refused; }}) {
    REQUIRE(admin.listen(directory.path()));
  }

  asio::local::stream_protocol::socket connected() {
    asio::local::stream_protocol::socket socket(io);
    const int folder = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    socket.connect(asio::local::stream_protocol::endpoint(fmt::format("/proc/self/fd/{}/control", folder)));
    close(folder);
    return socket;
  }
  // The reply; empty if none comes within two seconds.
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
  nlohmann::json ask(const std::string& line) {
    auto socket = connected();
    asio::write(socket, asio::buffer(line));
    return nlohmann::json::parse(answer(socket));
  }
};

}  // namespace

TEST_CASE("a reset is done, counted and answered, and a second one is answered with `already`") {
  AdminFixture one;
  REQUIRE(bus::accept(one.node.replica, "kiwi", "5", one.node.now).result == bus::Accepted::Stored);
  CHECK(one.ask("reset-client kiwi\n").dump() == R"({"epoch":1,"node":"Hill","result":"done"})");
  CHECK(bus::is_reset(*one.node.replica.find("kiwi")));
  CHECK(one.ask("reset-client kiwi\n")["result"] == "already");
  CHECK(one.ask("reset-client plum\n")["result"] == "unknown");
  CHECK(one.node.counters.clients_reset == 1);
}

TEST_CASE("an unknown command, an invalid id and a line that is too long are answered with an error") {
  AdminFixture one;
  for (const std::string& line :
       {std::string("\n"), std::string("reset-client \n"), std::string("reset-client a b\n"), std::string("reset\n"),
        std::string("reset-client a\x01\n"), std::string(2000, 'x')}) {
    CHECK(one.ask(line)["result"] == "error");
  }
}

TEST_CASE("a reload is answered with the parts that the node refused") {
  AdminFixture one;
  CHECK(one.ask("reload\n").dump() == R"({"node":"Hill","refused":[],"result":"done"})");
  one.refused = {"its certificate cannot be read", "a name with the byte \xff"};
  const auto answer = one.ask("reload\n");
  CHECK(answer["refused"].size() == 2);
  CHECK(answer["refused"][0] == "its certificate cannot be read");
  CHECK(one.ask("reload now\n")["result"] == "error");
}

TEST_CASE("a reset is answered when it is acknowledged, and with an error after ack_timeout") {
  AdminFixture one(true);
  const auto stored = bus::accept(one.waiting, "kiwi", "5", one.node.now);
  auto first = one.connected();
  asio::write(first, asio::buffer(std::string("reset-client kiwi\n")));
  CHECK(one.answer(first).find("not yet durable") != std::string::npos);
  CHECK(one.admin.awaited() == 0);
  one.ack_timeout = 1min;
  auto second = one.connected();
  asio::write(second, asio::buffer(std::string("reset-client kiwi\n")));
  while (one.admin.awaited() == 0) one.io.poll();
  CHECK(one.admin.awaited() == stored.number + 1);
  one.admin.release(stored.number);
  CHECK(one.admin.awaited() != 0);
  one.admin.release(stored.number + 1);
  CHECK(one.answer(second).find("already") != std::string::npos);
}

TEST_CASE("when the node stops, a waiting reset is answered with an error") {
  AdminFixture one(true);
  one.ack_timeout = 1min;
  (void)bus::accept(one.waiting, "kiwi", "5", one.node.now);
  auto socket = one.connected();
  asio::write(socket, asio::buffer(std::string("reset-client kiwi\n")));
  while (one.admin.awaited() == 0) one.io.poll();
  one.admin.stop();
  CHECK(one.answer(socket).find("the node stops") != std::string::npos);
}

TEST_CASE("an admin socket is created again after its file was removed") {
  AdminFixture one;
  const auto path = one.directory.path() / "control";
  std::filesystem::remove(path);
  CHECK(wait_until([&] {
    one.io.poll();
    return std::filesystem::exists(path);
  }));
  CHECK(one.ask("reset-client plum\n")["result"] == "unknown");
}

TEST_CASE("a connection without a free descriptor is served later, and the loop does not spin") {
  AdminFixture one;
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
  CHECK(handlers < 20);  // two for each try, with one try per kAcceptBackoff
  CHECK(one.answer(socket).find("unknown") != std::string::npos);
}

TEST_CASE("an admin socket that cannot be opened is an error with its path") {
  OneNode node;
  asio::io_context io;
  const std::chrono::milliseconds timeout{1};
  AdminSocket admin({io, node.replica, node.counters, node.clock, timeout, {}});
  const auto opened = admin.listen("/nonexistent");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.starts_with("admin socket /nonexistent/control cannot be opened: "));
}

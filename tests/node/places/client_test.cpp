// The client with a ROUTER that the test owns, so that the test decides the worker's behaviour. The test passes the
// time as a parameter.
#include "node/places/client.hpp"

#include <poll.h>

#include <nlohmann/json.hpp>
#include <vector>
#include <zmq_addon.hpp>

#include "node/places/messages.hpp"
#include "tests/catch.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;
using nlohmann::json;

namespace {

constexpr Query kQuery{.latitude = 34, .longitude = -118, .radius_km = 10, .max = 5};
constexpr const char* kEndpoint = "inproc://client-test";

Now at(Nanoseconds steady) {
  return {steady, 0ns};
}

struct Table {  // the two ends
  zmq::context_t context;
  zmq::socket_t router{context, zmq::socket_type::router};
  std::string identity;
  std::unique_ptr<Client> client;

  Table() {
    router.set(zmq::sockopt::linger, 0);
    router.bind(kEndpoint);
    client = std::make_unique<Client>(context, kEndpoint, 5s);
  }

  QueryMessage take_query() {
    std::vector<zmq::message_t> frames;
    REQUIRE(zmq::recv_multipart(router, std::back_inserter(frames)) == 2U);
    identity = frames[0].to_string();
    return decode_query(frames[1].to_string_view()).value();
  }

  void say(const std::vector<AnswerMessage>& answers) { say_bytes(encode(answers).to_string_view()); }

  void say_bytes(std::string_view bytes) {
    router.send(zmq::buffer(identity), zmq::send_flags::sndmore);
    router.send(zmq::buffer(bytes), zmq::send_flags::none);
  }

  // inproc delivers soon, but asynchronously.
  std::optional<Answer> wait_for_answer(Now now) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (auto answer = client->poll(now)) {
        return answer;
      }
      pollfd descriptor{client->fd(), POLLIN, 0};
      ::poll(&descriptor, 1, 10);
    }
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("an answer is returned with its ticket") {
  Table table;
  const Ticket ticket = table.client->ask(kQuery, at(0s));
  CHECK(table.client->pending() == 1);
  CHECK(table.client->next_deadline() == Nanoseconds(5s));
  const QueryMessage query = table.take_query();
  CHECK(query.ticket == ticket);
  CHECK(query.query.radius_km == 10);
  table.say({{ticket, Status::ZeroResults, "nothing"}});
  const auto answer = table.wait_for_answer(at(1s));
  REQUIRE(answer);
  CHECK(answer->ticket == ticket);
  CHECK(answer->document == "nothing");
  CHECK(table.client->pending() == 0);
  CHECK_FALSE(table.client->next_deadline());
  CHECK(table.client->counters().answered == 1);
  CHECK(table.client->counters().by_status[static_cast<std::size_t>(Status::ZeroResults)] == 1);
}

TEST_CASE("a ticket without an answer times out exactly at its deadline") {
  Table table;
  const Ticket first = table.client->ask(kQuery, at(0s));
  const Ticket second = table.client->ask(kQuery, at(1s));
  CHECK_FALSE(table.client->poll(at(5s - 1ns)));
  const auto answer = table.client->poll(at(5s));
  REQUIRE(answer);
  CHECK(answer->ticket == first);
  const json document = json::parse(answer->document);
  CHECK(document["status"] == "UNKNOWN_ERROR");
  CHECK(document["results"].empty());
  CHECK_FALSE(document["error_message"].get<std::string>().empty());
  CHECK_FALSE(table.client->poll(at(5s)));
  CHECK(table.client->next_deadline() == Nanoseconds(6s));
  CHECK(table.client->poll(at(6s))->ticket == second);
  CHECK(table.client->counters().timed_out == 2);
}

TEST_CASE("all answers of one message are returned, up to the first that is malformed") {
  Table table;
  const Ticket first = table.client->ask(kQuery, at(0s));
  const Ticket second = table.client->ask(kQuery, at(0s));
  const Ticket third = table.client->ask(kQuery, at(0s));
  for (int query = 0; query < 3; ++query) table.take_query();
  table.say({{second, Status::Ok, "second"}, {first, Status::ZeroResults, "first"}, {9, static_cast<Status>(6), ""}});
  table.say({{third, Status::Ok, "third"}});
  CHECK(table.wait_for_answer(at(1s))->document == "second");
  CHECK(table.wait_for_answer(at(1s))->document == "first");
  CHECK(table.wait_for_answer(at(1s))->document == "third");
  CHECK(table.client->counters().unreadable == 1);
  CHECK(table.client->counters().answered == 3);
}

TEST_CASE("an empty message is malformed") {
  Table table;
  const Ticket ticket = table.client->ask(kQuery, at(0s));
  table.take_query();
  table.say_bytes("");
  table.say({{ticket, Status::Ok, "good"}});
  CHECK(table.wait_for_answer(at(1s))->document == "good");
  CHECK(table.client->counters().unreadable == 1);
}

TEST_CASE("a late answer, a second answer and a malformed message are dropped and counted") {
  Table table;
  const Ticket first = table.client->ask(kQuery, at(0s));
  REQUIRE(table.client->poll(at(5s)));
  const Ticket second = table.client->ask(kQuery, at(5s));
  table.take_query();
  table.take_query();
  table.say({{first, Status::Ok, "late"}});
  table.say_bytes("nonsense");
  table.say({{second, Status::Ok, "good"}});
  table.say({{second, Status::Ok, "again"}});
  const Ticket third = table.client->ask(kQuery, at(6s));
  table.take_query();
  table.say({{third, Status::Ok, "last"}});
  CHECK(table.wait_for_answer(at(6s))->document == "good");
  CHECK(table.wait_for_answer(at(6s))->document == "last");
  CHECK_FALSE(table.client->poll(at(6s)));
  CHECK(table.client->counters().late == 2);
  CHECK(table.client->counters().unreadable == 1);
  CHECK(table.client->pending() == 0);
}

TEST_CASE("a query with max 0 is answered at once, without the worker") {
  Table table;
  Query query = kQuery;
  query.max = 0;
  const Ticket ticket = table.client->ask(query, at(3s));
  CHECK(table.client->pending() == 1);
  CHECK(table.client->next_deadline() == Nanoseconds(3s));
  const auto answer = table.client->poll(at(3s));
  REQUIRE(answer);
  CHECK(answer->ticket == ticket);
  CHECK(answer->document == R"({"html_attributions":[],"results":[],"status":"OK"})");
  zmq::message_t message;
  CHECK_FALSE(table.router.recv(message, zmq::recv_flags::dontwait));
}

TEST_CASE("a query out of range is answered with INVALID_REQUEST, without the worker") {
  Table table;
  Query query = kQuery;
  query.radius_km = 51;
  table.client->ask(query, at(0s));
  CHECK(json::parse(table.client->poll(at(0s))->document)["status"] == "INVALID_REQUEST");
}

TEST_CASE("one ticket too many is refused at once, and tickets are accepted again after an answer") {
  Table table;
  for (std::size_t ticket = 0; ticket < Client::kMaxPending; ++ticket) {
    table.client->ask(kQuery, at(0s));
  }
  CHECK_FALSE(table.client->poll(at(0s)));
  const Ticket refused = table.client->ask(kQuery, at(0s));
  const auto answer = table.client->poll(at(0s));
  REQUIRE(answer);
  CHECK(answer->ticket == refused);
  CHECK(json::parse(answer->document)["status"] == "OVER_QUERY_LIMIT");
  CHECK(table.client->counters().refused == 1);
  const Ticket done = table.take_query().ticket;
  table.say({{done, Status::Ok, "done"}});
  REQUIRE(table.wait_for_answer(at(0s)));
  table.client->ask(kQuery, at(1s));
  CHECK_FALSE(table.client->poll(at(1s)));
}

TEST_CASE("if no worker reads the queries, ask() never blocks and every ticket is answered") {
  Table table;
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (int round = 0; round < 4; ++round) {  // no worker reads, so the pipe becomes full, and then refuses
    const Now now = at(10s * round);
    for (std::size_t ticket = 0; ticket < Client::kMaxPending; ++ticket, ++asked) {
      table.client->ask(kQuery, now);
    }
    while (table.client->poll(at(now.steady + 5s))) {
      ++answered;
    }
  }
  CHECK(answered == asked);
  CHECK(table.client->pending() == 0);
  CHECK(table.client->counters().refused > 0);
}

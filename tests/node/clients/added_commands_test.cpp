// The commands that need no lookup and no search: PING, INFO, HELP, WHY, QUIT and WHEREIS.
#include <algorithm>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;

namespace {

struct Talk : OneSession {
  std::string ask(const std::string& line) {
    send(line + "\n");
    return take_output();
  }
};

}  // namespace

TEST_CASE("PING is answered with its word") {
  Talk talk;
  CHECK(talk.ask("PING") == "PONG\n");
  CHECK(talk.ask("PING a*\xC3\xA4") == "PONG a*\xC3\xA4\n");
  CHECK(talk.ask("PING a b") == "? PING a b\n");
}

TEST_CASE("INFO describes the node and the connection") {
  Talk talk;
  const std::string info = talk.ask("INFO");
  CHECK(info.starts_with("INFO herd=test node=Hill version="));
  CHECK(
      info.ends_with(" protocol=1 auth=none tls=off time=1520023934.500000000 max_line=1024 "
                     "commands=IAMAT,WHATSAT,WHEREIS,NEAR,WITHIN,COUNT,WATCH,UNWATCH,PING,INFO,HELP,WHY,QUIT\n"));
  Session encrypted(talk.parts, "127.0.0.1:2", {.tls = true});
  talk.node.now.wall = std::chrono::nanoseconds(1);
  OneSession::send(encrypted, "INFO\n");
  CHECK(OneSession::take_output(encrypted).find(" tls=on time=0.000000001 ") != std::string::npos);
  CHECK(talk.ask("INFO x") == "? INFO x\n");
}

TEST_CASE("HELP has one line for each command that works, and counts them") {
  Talk talk;
  const std::string all = talk.ask("HELP");
  CHECK(all.starts_with("IAMAT <client> <coordinates> <time>: "));
  CHECK(all.ends_with("\nEND 13\n"));
  CHECK(std::count(all.begin(), all.end(), '\n') == 14);
  CHECK(all.find("\nAUTH") == std::string::npos);
  const std::string one = talk.ask("HELP PING");
  CHECK(one.starts_with("PING [word]: "));
  CHECK(one.ends_with(".\nEND 1\n"));
  for (const std::string line : {"HELP AUTH", "HELP ping", "HELP AT", "HELP PING INFO"}) {
    CHECK(talk.ask(line) == "? " + line + "\n");
  }
}

TEST_CASE("WHY gives the reason of the last line that was refused or dropped, until the next one") {
  Talk talk;
  CHECK(talk.ask("WHY") == "WHY -\n");
  CHECK(talk.ask("IAMAT kiwi +91+0 5").empty());
  const std::string reason = talk.ask("WHY");
  CHECK(reason == "WHY latitude is not within -90 and +90\n");
  CHECK(talk.ask(kIamat) == kAt);
  CHECK(talk.ask("WHY") == reason);
  CHECK(talk.ask("WHATSAT other 10 5") == "? WHATSAT other 10 5\n");
  CHECK(talk.ask("WHY") == "WHY the client is not known: it has not reported yet, or was reset\n");
  CHECK(talk.ask("IAMAT kiwi +1+2 9999999999").empty());
  CHECK(talk.ask("WHY").starts_with("WHY time is"));
  CHECK(talk.ask("foo") == "? foo\n");
  CHECK(talk.ask("WHY") == "WHY unknown command: HELP lists the commands\n");
  talk.node.config.invalid_arguments = InvalidArgumentsPolicy::Reply;
  CHECK(talk.ask("WHATSAT kiwi 51 5") == "? WHATSAT kiwi 51 5\n");
  CHECK(talk.ask("WHY") == "WHY radius is not within 0 and 50 kilometres\n");
}

TEST_CASE("WHEREIS gives the AT line of a known client") {
  Talk talk;
  CHECK(talk.ask(kIamat) == kAt);
  CHECK(talk.ask("WHEREIS kiwi") == kAt);
  CHECK(talk.ask("WHEREIS pear") == "? WHEREIS pear\n");
  CHECK(talk.ask("WHY") == "WHY the client is not known: it has not reported yet, or was reset\n");
  REQUIRE(talk.node.replica.reset("kiwi", talk.node.now).reset == herd::bus::Reset::Done);
  CHECK(talk.ask("WHEREIS kiwi") == "? WHEREIS kiwi\n");
}

TEST_CASE("a command that asks or watches with wrong operands is answered at once, whatever invalid_arguments is") {
  for (const auto policy : {InvalidArgumentsPolicy::Drop, InvalidArgumentsPolicy::Reply}) {
    Talk talk;
    talk.node.config.invalid_arguments = policy;
    CHECK(talk.ask("NEAR kiwi 5") == "? NEAR kiwi 5\n");
    CHECK(talk.ask("WHY") == "WHY wrong number of operands: HELP shows the grammar\n");
    CHECK(talk.ask("WHEREIS") == "? WHEREIS\n");
    CHECK(talk.ask("WATCH t NEAR kiwi 20017") == "? WATCH t NEAR kiwi 20017\n");
    CHECK(talk.ask("WHY") == "WHY kilometres are not within 0 and 20016\n");
    CHECK(talk.node.counters.invalid_arguments == 3);
    CHECK(talk.node.counters.unknown_commands == 0);
  }
}

TEST_CASE("QUIT ends the connection after the replies that are due, and later lines are not read") {
  Talk talk;
  talk.send(kIamat + "\nWHATSAT kiwi 10 5\nQUIT\nIAMAT other +1+2 5\nfoo\n");
  CHECK(talk.take_output() == kAt);
  CHECK_FALSE(talk.session.wants_bytes());
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  const auto lookups = talk.session.take_outstanding().lookups;
  REQUIRE(lookups.size() == 1);
  talk.session.answer(lookups[0].slot, kDocument);
  CHECK(talk.take_output() == kAt + kDocument + "\n\n");
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
  CHECK_FALSE(talk.node.replica.find("other"));
  CHECK(Talk().ask("QUIT now") == "? QUIT now\n");
}

TEST_CASE("with the seed's commands all others are unknown") {
  Talk talk;
  talk.node.config.commands = CommandSet::Seed;
  for (const std::string line :
       {"PING", "PING a", "INFO", "HELP", "HELP IAMAT", "WHY", "QUIT", "AUTH a", "AUTH", "WHEREIS kiwi", "WHEREIS"}) {
    INFO(line);
    CHECK(talk.ask(line) == "? " + line + "\n");
  }
  CHECK(talk.node.counters.unknown_commands == 11);
  CHECK(talk.ask(kIamat) == kAt);
  CHECK(talk.session.ending() == Session::Ending::NotYet);
}

TEST_CASE("AUTH is unknown at a node without tokens, but its operand is not logged") {
  const CapturedLog log(spdlog::level::debug);
  Talk talk;
  CHECK(talk.ask("AUTH herd_secret") == "? AUTH herd_secret\n");
  CHECK(talk.ask("WHY") == "WHY unknown command: this node needs no tokens\n");
  CHECK(log.text().find("herd_secret") == std::string::npos);
  CHECK(log.text().find("event=command") != std::string::npos);
}

// Sessions with tokens: what a connection may do before AUTH and after it, and how its token ends.
#include "node/clients/access.hpp"

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

constexpr auto kPresent = std::chrono::seconds(1'520'023'934);  // the clock of OneNode, half a second less

Token token_of(const std::string& name, const std::vector<std::string>& tell, const std::vector<std::string>& see,
               TokenLevel level = TokenLevel::All) {
  Token token;
  token.name = name;
  token.hash = hash_of("herd_" + name);
  token.tell = Patterns::parse(tell).value();
  token.see = Patterns::parse(see).value();
  token.level = level;
  return token;
}

struct Guarded : OneSession {
  explicit Guarded(std::vector<Token> tokens = {token_of("all", {"*"}, {"*"})}) { use(std::move(tokens)); }

  void use(std::vector<Token> tokens) { authenticator.use(std::make_shared<const TokenTable>(std::move(tokens))); }
  std::string ask(const std::string& line) {
    send(line + "\n");
    return take_output();
  }
  std::string ask_later(const std::string& line) {
    send(line + "\n");
    CHECK(take_output().empty());
    return answer_of_delay();
  }
  std::string answer_of_delay() {
    REQUIRE(session.token_refused_at());
    node.now.steady = *session.token_refused_at();
    session.refuse_token();
    return take_output();
  }
};

}  // namespace

TEST_CASE("before AUTH only INFO, PING, HELP, WHY and QUIT work") {
  Guarded one;
  CHECK(one.ask("PING") == "PONG\n");
  CHECK(one.ask("INFO").ends_with(" commands=AUTH,PING,INFO,HELP,WHY,QUIT\n"));
  CHECK(one.ask("HELP").ends_with("\nEND 6\n"));
  CHECK(one.ask("HELP IAMAT") == "? HELP IAMAT\n");
  for (const std::string& line :
       {kIamat, std::string("IAMAT kiwi +91+0 5"), std::string("WHATSAT kiwi 10 5"), std::string("WHEREIS kiwi"),
        std::string("NEAR kiwi"), std::string("foo"), std::string("PING a b")}) {
    CHECK(one.ask(line) == "? " + line + "\n");
    CHECK(one.ask("WHY") == "WHY send AUTH and a token first\n");
  }
  CHECK(one.ask("  ").empty());
  CHECK_FALSE(one.node.replica.find("kiwi"));
  CHECK_FALSE(one.session.is_established());
  CHECK(one.node.counters.lines_not_allowed == 7);
}

TEST_CASE("a right token is answered at once with its rights, and the lines after it are executed") {
  Guarded one({token_of("fleet", {"truck-*", "kiwi"}, {}, TokenLevel::Latest)});
  one.send("AUTH herd_fleet\n" + kIamat + "\n");
  CHECK(one.take_output() == "OK fleet tell=truck-*,kiwi see= level=latest\n" + kAt);
  CHECK(one.session.is_established());
  CHECK(one.ask("AUTH herd_fleet") == "? AUTH\n");
  CHECK(one.ask("WHY").starts_with("WHY this connection needs no token, or has one"));
  CHECK(one.node.counters.auth_accepted == 1);
  CHECK(one.node.counters.auth_refused == 0);
}

TEST_CASE("a wrong token is answered after a delay, until then no line is executed, and three end the connection") {
  Guarded one;
  one.send("AUTH herd_none\nPING\nAUTH\nAUTH a b\nPING\n");
  CHECK(one.take_output().empty());
  CHECK_FALSE(one.session.wants_bytes());
  CHECK(one.session.token_refused_at() == one.node.now.steady + kAuthDelay);
  CHECK(one.answer_of_delay() == "? AUTH\nPONG\n");
  CHECK(one.answer_of_delay() == "? AUTH\n");
  CHECK(one.session.ending() == Session::Ending::NotYet);
  CHECK(one.answer_of_delay() == "? AUTH\n");
  CHECK(one.session.ending() == Session::Ending::HalfClose);
  CHECK(one.node.counters.auth_refused == 3);
}

TEST_CASE("a wrong token as the last line of a client that has half-closed is answered too") {
  Guarded one;
  one.send("AUTH herd_none");
  one.session.receive_end();
  CHECK(one.session.ending() == Session::Ending::NotYet);
  CHECK(one.answer_of_delay() == "? AUTH\n");
  CHECK(one.session.ending() == Session::Ending::Close);
}

TEST_CASE("a connection is not idle while the answer to a wrong token is due") {
  Guarded one;
  one.node.config.idle_timeout = 100ms;
  one.send("AUTH herd_none\n");
  one.node.now.steady += kAuthDelay;
  CHECK_FALSE(one.session.is_overdue());
}

TEST_CASE("after too many wrong tokens of an address even a right one waits, and is not compared") {
  Guarded one;
  std::vector<std::unique_ptr<Session>> others;
  for (std::size_t i = 0; i < kMaxGuessesOfAddress; ++i) {
    Session& other = *others.emplace_back(std::make_unique<Session>(one.parts, "127.0.0.1:2", Session::Origin()));
    OneSession::send(other, "AUTH herd_none\n");
  }
  CHECK(one.ask_later("AUTH herd_all") == "? AUTH\n");
  CHECK(one.ask("WHY").starts_with("WHY too many wrong tokens came from this address"));
  CHECK(one.node.counters.auth_unchecked == 1);
  CHECK(one.node.counters.auth_refused == kMaxGuessesOfAddress);
  CHECK(one.ask("AUTH herd_all") == "OK all tell=* see=* level=all\n");

  Session elsewhere(one.parts, "127.0.0.2:1", {.network = 7});
  OneSession::send(elsewhere, "AUTH herd_all\n");
  CHECK(OneSession::take_output(elsewhere) == "OK all tell=* see=* level=all\n");
}

TEST_CASE("a token limits the clients that IAMAT may name, and those that WHATSAT and WHEREIS show") {
  Guarded one({token_of("part", {"kiwi"}, {"pear"}), token_of("all", {"*"}, {"*"})});
  Session writer(one.parts, "127.0.0.1:2", {});
  OneSession::send(writer, "AUTH herd_all\nIAMAT pear +1+2 5\n");
  CHECK(one.ask("AUTH herd_part").starts_with("OK part "));
  CHECK(one.ask(kIamat) == kAt);
  CHECK(one.ask("IAMAT pear +1+2 6") == "? IAMAT pear +1+2 6\n");
  CHECK(one.ask("WHY").starts_with("WHY the token of this connection may not report this client"));
  CHECK(one.ask("WHATSAT pear 10 0").starts_with("AT Hill "));
  CHECK(one.ask("WHEREIS pear").starts_with("AT Hill "));
  CHECK(one.ask("WHATSAT kiwi 10 0") == "? WHATSAT kiwi 10 0\n");
  const std::string hidden = one.ask("WHY");
  CHECK(one.ask("WHEREIS kiwi") == "? WHEREIS kiwi\n");
  CHECK(one.ask("WHY") == hidden);
  CHECK(one.ask("WHATSAT none 10 0") == "? WHATSAT none 10 0\n");
  CHECK(one.ask("WHY") == hidden);
}

TEST_CASE("INFO and HELP name what the token permits") {
  Guarded one({token_of("watcher", {}, {"*"}, TokenLevel::Events)});
  CHECK(one.ask("AUTH herd_watcher") == "OK watcher tell= see=* level=events\n");
  CHECK(
      one.ask("INFO").ends_with(" auth=token tls=off time=1520023934.500000000 max_line=1024 "
                                "commands=WATCH,UNWATCH,PING,INFO,HELP,WHY,QUIT\n"));
  CHECK(one.ask("WHEREIS kiwi") == "? WHEREIS kiwi\n");
  CHECK(one.ask("WHATSAT kiwi 10 0") == "? WHATSAT kiwi 10 0\n");
  CHECK(one.ask("WHY") == "WHY the token of this connection has level=events, which permits no queries\n");
}

TEST_CASE("a revoked token ends its connection before the next line, and an edited one has its new rights") {
  Guarded one({token_of("a", {"*"}, {"*"})});
  CHECK(one.ask("AUTH herd_a").starts_with("OK a "));
  one.use({token_of("a", {"other"}, {"*"})});
  CHECK(one.ask(kIamat) == "? " + kIamat + "\n");
  CHECK_FALSE(one.session.end_if_revoked());
  one.use({token_of("b", {"*"}, {"*"})});
  CHECK(one.ask("IAMAT other +1+2 5").empty());
  CHECK_FALSE(one.node.replica.find("other"));
  CHECK(one.session.ending() == Session::Ending::HalfClose);
  CHECK(one.node.counters.connections_revoked == 1);
}

TEST_CASE("the watches of a token end when what it may see is edited") {
  Guarded one({token_of("a", {"*"}, {"*"})});
  CHECK(one.ask("AUTH herd_a").starts_with("OK a "));
  CHECK(one.ask("WATCH t ALL").find("WATCHING") != std::string::npos);
  one.use({token_of("a", {"other"}, {"*"})});
  CHECK_FALSE(one.session.end_if_revoked());
  CHECK(one.ask("PING").find("END") == std::string::npos);
  one.use({token_of("a", {"*"}, {"kiwi"})});
  CHECK_FALSE(one.session.end_if_revoked());
  CHECK(one.ask("PING").find("END not allowed\n") != std::string::npos);
}

TEST_CASE("a token that expires ends its connection, also an idle one") {
  Token token = token_of("a", {"*"}, {"*"});
  token.expires = kPresent + 1s;
  Guarded one({token});
  CHECK(one.ask("AUTH herd_a").starts_with("OK a "));
  one.node.now.wall = token.expires - 1ns;
  CHECK_FALSE(one.session.end_if_revoked());
  one.node.now.wall = token.expires;
  CHECK(one.session.end_if_revoked());
  CHECK_FALSE(one.session.end_if_revoked());
  CHECK(one.session.ending() == Session::Ending::HalfClose);
  Session late(one.parts, "127.0.0.1:2", {});
  OneSession::send(late, "AUTH herd_a\n");
  CHECK(late.token_refused_at());
}

TEST_CASE("a reload that turns tokens on locks connections, and one that turns them off opens them") {
  OneSession one;
  OneSession::send(one.session, "PING\n");
  CHECK(one.session.is_established());
  one.authenticator.use(std::make_shared<const TokenTable>(std::vector<Token>{}));
  OneSession::send(one.session, kIamat + "\n");
  CHECK(one.take_output() == "PONG\n? " + kIamat + "\n");
  CHECK_FALSE(one.session.is_established());
  one.authenticator.use(nullptr);
  OneSession::send(one.session, kIamat + "\n");
  CHECK(one.take_output() == kAt);
}

TEST_CASE("no token is in the log or in a reply, also not that of a line that is only nearly an AUTH") {
  const CapturedLog log(spdlog::level::debug);
  Guarded one;
  one.send("auth herd_all\nAUTH herd_all /x\nherd_all\nAUTH " + std::string(1100, 'x') + "herd_all\n");
  std::string output = one.take_output();
  output += one.answer_of_delay();
  CHECK(output == "? auth herd_all\n? AUTH\n? herd_all\n? AUTH\n");
  CHECK(log.text().find("herd_all") == std::string::npos);
  CHECK(log.text().find("xxxx") == std::string::npos);
  Guarded two;
  two.send("AUTH herd_all HTTP/1.1\n");
  Guarded three;
  CHECK(three.ask("AUTH herd_all").starts_with("OK all "));
  three.send("AUTH herd_all\n");
  CHECK(log.text().find("herd_all") == std::string::npos);
  CHECK(log.count("event=auth_accepted from=127.0.0.1:1 token=all") == 1);
  CHECK(log.count("event=auth_refused from=127.0.0.1:1 tries=1") == 1);
}

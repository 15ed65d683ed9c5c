// NEAR, WITHIN and COUNT through a session: answers at once, and answers that need several loop iterations.
#include "node/clients/asking.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

// Completes the queries of a session as the front end does.
struct Talk : OneSession {
  // The stopped clock is ahead of the real one, so that each slice has its least length (Asking::elapsed()).
  Talk() { node.now.steady = std::chrono::steady_clock::now().time_since_epoch() + 1h; }

  struct Waiter : Asking::Asker {
    Waiter(Session& of, ReplyQueue::SlotId at, const bool& is_gone) : session(of), slot(at), gone(is_gone) {}
    [[nodiscard]] bool is_gone() const override { return gone; }
    void answer(std::string text) override { session.answer(slot, text, Session::Answer::Query); }
    Session& session;
    ReplyQueue::SlotId slot;
    const bool& gone;
  };

  std::string ask(const std::string& line) {
    send(line + "\n");
    begin_queries();
    return take_output();
  }
  void begin_queries() {
    for (PendingQuery& pending : session.take_outstanding().queries) {
      asking.wait(std::move(pending.running), std::make_unique<Waiter>(session, pending.slot, is_gone));
    }
  }
  // The complete answer: on a busy machine also a small query may need more than one slice.
  std::string ask_all(const std::string& line) {
    std::string answer = ask(line);
    return answer + iterate();
  }
  // Loop iterations until no work is left.
  std::string iterate() {
    while (asking.work()) {
    }
    return take_output();
  }
  // 20,000 clients at one point. To read them takes longer than a slice.
  void add_clients() {
    for (int i = 0; i < 20'000; ++i) {
      const std::string client = "client-" + std::to_string(i);
      node.replica.accept({client, "+1+2", "5", 5s}, node.now);
    }
  }
  [[nodiscard]] std::uint64_t counted(QueryCommand command, QueryResult result) {
    return asking.counters().of(static_cast<std::size_t>(command), static_cast<std::size_t>(result));
  }

  bool is_gone = false;
};

std::string at(const std::string& client, const std::string& coordinates) {
  return "AT Hill +1520023929.500000000 " + client + " " + coordinates + " 5\n";
}

}  // namespace

TEST_CASE("NEAR, WITHIN and COUNT see the reports that the same connection sent before them") {
  Talk talk;
  CHECK(talk.ask_all("IAMAT a +1+2 5\nIAMAT b +1+2.001 5\nNEAR +1+2 1 10\n") ==
        at("a", "+1+2") + at("b", "+1+2.001") + "IS 0.000 000 " + at("a", "+1+2") + "IS 0.111 090 " +
            at("b", "+1+2.001") + "END 2\n");
  CHECK(talk.ask_all("COUNT NEAR a 1") == "COUNT 1\n");
  CHECK(talk.ask_all("IAMAT c +1+2 5\nWITHIN +0.5+1.5 +1.5+2 10").ends_with("END 2\n"));
  CHECK(talk.counted(QueryCommand::Near, QueryResult::Answered) == 1);
  CHECK(talk.counted(QueryCommand::Within, QueryResult::Answered) == 1);
  CHECK(talk.counted(QueryCommand::Count, QueryResult::Answered) == 1);
}

TEST_CASE("an unknown centre and a cursor of another query are refused, and WHY says why") {
  Talk talk;
  CHECK(talk.ask_all("NEAR nowhere 1 10") == "? NEAR nowhere 1 10\n");
  CHECK(talk.ask_all("WHY") != "WHY -\n");
  CHECK(talk.ask_all("NEAR +1+2 1 10 after=AAAA") == "? NEAR +1+2 1 10 after=AAAA\n");
  CHECK(talk.ask_all("WHEREIS nowhere") == "? WHEREIS nowhere\n");
  CHECK(talk.counted(QueryCommand::Near, QueryResult::Refused) == 2);
  CHECK(talk.counted(QueryCommand::Whereis, QueryResult::Refused) == 1);
}

TEST_CASE("there is no index until the first query, and none when nothing has asked for ten minutes") {
  Talk talk;
  CHECK(talk.ask_all(kIamat) == kAt);
  CHECK_FALSE(talk.asking.work());
  CHECK_FALSE(talk.asking.index().is_active());
  CHECK(talk.ask_all("COUNT NEAR kiwi 1") == "COUNT 0\n");
  talk.node.now.steady += kAreaIndexIdle - 1s;
  CHECK_FALSE(talk.asking.work());
  CHECK(talk.asking.index().is_active());
  talk.node.now.steady += 1s;
  CHECK_FALSE(talk.asking.work());
  CHECK_FALSE(talk.asking.index().is_active());
  CHECK(talk.asking.index().memory() == 0);
  CHECK(talk.ask_all("COUNT NEAR +34+-118 1").starts_with("? "));
  CHECK(talk.ask_all("COUNT NEAR +34-118 200") == "COUNT 1\n");
}

TEST_CASE("the index follows the store at the end of each iteration") {
  Talk talk;
  CHECK(talk.ask("COUNT NEAR +1+2 1") == "COUNT 0\n");
  CHECK(talk.ask("IAMAT a +1+2 5") == at("a", "+1+2"));
  CHECK_FALSE(talk.asking.index().is_current());
  CHECK_FALSE(talk.asking.work());
  CHECK(talk.asking.index().is_current());
}

TEST_CASE("the index is built in slices, and longer ones after an iteration that took long") {
  Talk talk;
  talk.add_clients();
  CHECK(talk.ask("COUNT NEAR +1+2 1").empty());
  CHECK(talk.asking.work());
  CHECK_FALSE(talk.asking.index().is_current());
  const std::size_t begun = talk.asking.index().tree().size();
  talk.node.now.steady = std::chrono::steady_clock::now().time_since_epoch() - 1s;
  CHECK(talk.asking.elapsed() >= 1s);
  (void)talk.asking.work();
  CHECK(talk.asking.index().tree().size() > begun);
}

TEST_CASE("a query that is not complete at once keeps its place among the replies") {
  Talk talk;
  talk.add_clients();
  CHECK(talk.ask("COUNT NEAR +1+2 1\nPING a\nCOUNT NEAR +1+2 1 match=client-1*\nPING b").empty());
  CHECK(talk.asking.waiting() == 2);
  CHECK(talk.iterate() == "COUNT 20000\nPONG a\nCOUNT 11111\nPONG b\n");
  CHECK(talk.asking.waiting() == 0);
  CHECK(talk.counted(QueryCommand::Count, QueryResult::Answered) == 2);
}

TEST_CASE("a query of a connection that has gone ends without an answer") {
  Talk talk;
  talk.add_clients();
  CHECK(talk.ask("COUNT NEAR +1+2 1").empty());
  talk.is_gone = true;
  CHECK(talk.iterate().empty());
  CHECK(talk.asking.waiting() == 0);
  CHECK(talk.counted(QueryCommand::Count, QueryResult::Abandoned) == 1);
}

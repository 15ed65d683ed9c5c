#include "node/clients/reports.hpp"

#include <string>
#include <utility>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/one_node.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using Kind = ReportAnswer::Kind;
using Outcome = ReportOutcome;

namespace {

struct OneReporter {
  OneNode node;
  ClientWarnings warnings;
  Asking asking{node.replica.store(), node.clock};
  CommandFigures figures;
  Commands commands{{node.replica, node.config, node.counters, figures.counts, warnings, node.clock, asking}};
  Authenticator authenticator{node.counters};
  std::chrono::milliseconds ack_timeout{5'000};
  Reports reports{{commands, authenticator, node.replica, figures.times, node.clock, ack_timeout}};
  std::vector<ReportAnswer> answers;

  void take(std::vector<std::string> lines, std::shared_ptr<const Token> token = nullptr) {
    reports.take({std::move(token), "http:test", std::move(lines)},
                 [this](ReportAnswer answer) { answers.push_back(std::move(answer)); });
  }
  std::vector<Outcome> outcomes(std::vector<std::string> lines) {
    take(std::move(lines));
    REQUIRE_FALSE(answers.empty());
    CHECK(answers.back().kind == Kind::Acknowledged);
    return answers.back().outcomes;
  }
};

// Nothing is acknowledged: a second peer must have each record.
struct Unacknowledged : OneReporter {
  Unacknowledged() { node.replica.set_replicas(1, {}); }
};

std::shared_ptr<const Token> token_for(const std::vector<std::string>& tell) {
  Token token;
  token.name = "phones";
  token.hash = hash_of("right");
  token.tell = Patterns::parse(tell).value();
  return std::make_shared<const Token>(token);
}

const std::string kOther = "IAMAT plum +1+2 5";

}  // namespace

TEST_CASE_METHOD(OneReporter, "reports are stored as by lines, and counted as commands") {
  CHECK(outcomes({kIamat, kIamat, "IAMAT kiwi +1+2 5"}) ==
        std::vector{Outcome::Stored, Outcome::Duplicate, Outcome::NotNewer});
  CHECK(node.replica.find("kiwi")->time_text == "1520023934");
  CHECK(node.counters.iamat_stored == 1);
  CHECK(node.counters.iamat_duplicate == 1);
  CHECK(node.counters.iamat_not_newer == 1);
  CHECK(figures.counts.of(0, 0) == 3);
  CHECK(figures.times.has_answered());
}

TEST_CASE_METHOD(OneReporter, "reports from the future, malformed ones and those beyond max_clients are not stored") {
  const CapturedLog log;
  node.config.max_clients = 1;
  CHECK(outcomes({"IAMAT kiwi +1+2 1520024235", "IAMAT kiwi +91+2 5", "hello", kIamat, kOther}) ==
        std::vector{Outcome::Future, Outcome::Invalid, Outcome::Invalid, Outcome::Stored, Outcome::Full});
  CHECK(node.counters.clients_refused == 1);
  CHECK(node.counters.invalid_arguments == 3);
  CHECK(figures.counts.of(0, 1) == 1);
  CHECK(log.text().find("event=client_refused from=http:test") != std::string::npos);
}

TEST_CASE_METHOD(OneReporter, "the rights of the token apply, and a revoked token reports nothing") {
  const auto token = token_for({"kiwi"});
  authenticator.use(std::make_shared<const TokenTable>(std::vector<Token>{*token}));
  take({kIamat, kOther}, token);
  CHECK(answers.back().outcomes == std::vector{Outcome::Stored, Outcome::NotAllowed});
  CHECK(node.counters.lines_not_allowed == 1);
  authenticator.use(std::make_shared<const TokenTable>(std::vector<Token>{}));
  take({kIamat}, token);
  CHECK(answers.back().kind == Kind::Revoked);
  take({kIamat});
  CHECK(answers.back().kind == Kind::Revoked);
  CHECK(answers.back().outcomes.empty());
}

TEST_CASE_METHOD(Unacknowledged, "an answer waits until all reports of its request are acknowledged") {
  take({kIamat, kOther});
  take({kIamat});
  CHECK(answers.empty());
  const auto awaited = reports.awaited();
  CHECK(awaited == node.replica.store().feed().tail());
  reports.release(awaited - 1);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].outcomes == std::vector{Outcome::Duplicate});
  reports.release(awaited);
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].outcomes.size() == 2);
  CHECK(reports.awaited() == 0);
  CHECK_FALSE(reports.next_deadline());
}

TEST_CASE_METHOD(Unacknowledged, "without an acknowledgement the answer says so after ack_timeout, or sooner") {
  for (const auto& [timeout, patience] : {std::pair{1'000ms, 1'000ms}, std::pair{60'000ms, 4'000ms}}) {
    ack_timeout = timeout;
    take({kIamat});
    CHECK(reports.next_deadline() == node.now.steady + patience);
    node.now.steady += patience - 1ns;
    reports.end_overdue();
    CHECK(answers.empty());
    node.now.steady += 1ns;
    reports.end_overdue();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].kind == Kind::Unacknowledged);
    answers.clear();
  }
}

TEST_CASE_METHOD(Unacknowledged, "a node that stops takes no more reports, and answers those that wait") {
  take({kIamat});
  reports.stop();
  CHECK_FALSE(reports.idle());
  take({kOther});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].kind == Kind::Stopping);
  reports.release(reports.awaited());
  CHECK(answers.back().kind == Kind::Acknowledged);
  CHECK(reports.idle());
}

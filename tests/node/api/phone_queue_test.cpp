// The way of phones' reports from the HTTP thread to the loop and back; the test is both threads.
#include "node/api/phone_queue.hpp"

#include <string>
#include <utility>
#include <vector>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

struct Both {
  std::shared_ptr<asio::io_context> http = std::make_shared<asio::io_context>(1);
  std::vector<std::pair<ReportRequest, Reports::Done>> taken;  // by the loop
  std::shared_ptr<PhoneQueue> queue = std::make_shared<PhoneQueue>(
      http,
      [this](ReportRequest request, Reports::Done done) { taken.emplace_back(std::move(request), std::move(done)); });
  std::vector<ReportAnswer> answers;

  bool report(std::size_t lines) {
    return queue->report({nullptr, "http:owntracks", std::vector<std::string>(lines, "IAMAT kiwi +1-2 3")},
                         [this](const ReportAnswer& answer) { answers.push_back(answer); });
  }
  // The loop answers its first request.
  void answer() {
    const std::size_t lines = taken.front().first.lines.size();
    taken.front().second({.outcomes = std::vector<ReportOutcome>(lines, ReportOutcome::Stored)});
    taken.erase(taken.begin());
    http->restart();
    http->poll();
  }
};

TEST_CASE_METHOD(Both, "reports reach the loop, and their answer comes back on the HTTP thread") {
  CHECK(report(2));
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].first.from == "http:owntracks");
  CHECK(taken[0].first.lines.size() == 2);
  taken[0].second({.outcomes = {ReportOutcome::Stored, ReportOutcome::Duplicate}});
  CHECK(answers.empty());
  CHECK(queue->under_way() == 1);
  http->poll();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].outcomes == std::vector{ReportOutcome::Stored, ReportOutcome::Duplicate});
  CHECK(queue->under_way() == 0);
}

TEST_CASE_METHOD(Both, "at most kMaxPhoneRequests are under way") {
  for (std::size_t i = 0; i < kMaxPhoneRequests; ++i) REQUIRE(report(1));
  CHECK_FALSE(report(1));
  CHECK(taken.size() == kMaxPhoneRequests);
  answer();
  CHECK(report(1));
  CHECK_FALSE(report(1));
  while (!taken.empty()) answer();
  CHECK(answers.size() == kMaxPhoneRequests + 1);
  CHECK(queue->under_way() == 0);
}

TEST_CASE_METHOD(Both, "at most kMaxPhoneReports are under way, in all requests together") {
  CHECK_FALSE(report(kMaxPhoneReports + 1));
  CHECK(report(kMaxPhoneReports - 10));
  CHECK_FALSE(report(11));
  CHECK(report(10));
  CHECK_FALSE(report(1));
  CHECK(taken.size() == 2);
  answer();
  CHECK(report(kMaxPhoneReports - 10));
  CHECK_FALSE(report(1));
  CHECK(answers.size() == 1);
}

TEST_CASE_METHOD(Both, "an answer that comes after the end of the queue still has its reader") {
  CHECK(report(1));
  queue.reset();
  answer();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].outcomes == std::vector{ReportOutcome::Stored});
}

}  // namespace
}  // namespace herd::node::api

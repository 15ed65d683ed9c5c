// The hand-over between the HTTP thread and the loop; the test is both.
#include "node/api/question_queue.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

using Next = http::StreamSource::Next;

struct Both {
  std::shared_ptr<asio::io_context> http = std::make_shared<asio::io_context>(1);
  std::vector<Done> asked;
  std::vector<EventSink> sinks;
  std::vector<std::pair<ViewerKey, ViewerNews>> told;
  std::shared_ptr<QuestionQueue> queue = std::make_shared<QuestionQueue>(
      http, LoopCalls{[this](QuestionPtr question, Done done) {
                        asked.push_back(std::move(done));
                        sinks.push_back(question->events);
                      },
                      [this](ViewerKey key, ViewerNews news) { told.emplace_back(key, news); }});
  std::vector<std::string> answers;
  std::unique_ptr<EventStream> stream;

  static QuestionPtr question(const Question::Asked& wanted) {
    auto made = std::make_unique<Question>("", std::span<const std::string_view>());
    made->asked = wanted;
    return made;
  }
  bool ask(const Question::Asked& wanted) {
    return queue->ask(question(wanted), [this](Answer answer) { answers.push_back(answer.text); });
  }
  void answer(const std::string& text) {
    asked.back()({Answer::Kind::Given, text});
    asked.pop_back();
    run();
  }
  void run() {
    http->restart();
    http->poll();
  }
};

TEST_CASE_METHOD(Both, "an answer comes back on the HTTP thread, and makes place for another question") {
  CHECK(ask(protocol::Whereis{"kiwi"}));
  CHECK(queue->under_way() == 1);
  asked.back()({Answer::Kind::Given, "first"});
  CHECK(answers.empty());
  run();
  CHECK(answers == std::vector<std::string>{"first"});
  CHECK(queue->under_way() == 0);
}

TEST_CASE_METHOD(Both, "at most kMaxQuestions are under way, and of these kMaxMaps maps") {
  for (std::size_t i = 0; i < kMaxMaps; ++i) CHECK(ask(MapAsked{}));
  CHECK_FALSE(ask(MapAsked{}));
  for (std::size_t i = kMaxMaps; i < kMaxQuestions; ++i) CHECK(ask(protocol::Near{}));
  CHECK_FALSE(ask(protocol::Near{}));
  answer("near");
  CHECK_FALSE(ask(MapAsked{}));
  CHECK(ask(protocol::Near{}));
  while (!asked.empty()) answer("all");
  CHECK(queue->under_way() == 0);
  CHECK(ask(MapAsked{}));
}

TEST_CASE_METHOD(Both, "an answer that comes after the server has gone is dropped") {
  CHECK(ask(protocol::Near{}));
  queue.reset();
  answer("late");
  CHECK(answers == std::vector<std::string>{"late"});
}

TEST_CASE_METHOD(Both, "a watch gets a stream with an odd key, which takes the lines of its sink") {
  std::vector<Answer> refusals;
  const auto reader = [&](std::unique_ptr<EventStream> made, const Answer& refusal) {
    stream = std::move(made);
    if (stream == nullptr) refusals.push_back(refusal);
  };
  queue->watch(question(protocol::Watch{}), reader);
  asked.back()({Answer::Kind::Given, "WATCHING http 27d4eb2f165667c5 new\n"});
  sinks.back()("! http 0 READY 0\n", false);
  run();
  REQUIRE(stream != nullptr);
  CHECK(stream->pull().piece->find("event: watching") != std::string::npos);
  CHECK(stream->pull().piece->starts_with("event: ready"));
  CHECK(told == std::vector<std::pair<ViewerKey, ViewerNews>>{{1, ViewerNews::Taken}});
  stream.reset();
  CHECK(told.back() == std::pair<ViewerKey, ViewerNews>{1, ViewerNews::Gone});
  sinks.back()("! http 1 TICK 5\n", false);
  run();
  queue->watch(question(protocol::Watch{}), reader);
  asked.back()({Answer::Kind::Unknown, {}, "no such client"});
  run();
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].reason == "no such client");
}

}  // namespace
}  // namespace herd::node::api

// The events of a watch as server-sent events, and their stream.
#include "node/api/event_stream.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

using Next = http::StreamSource::Next;

constexpr std::string_view kFeed = "27d4eb2f165667c5";
const std::string kAt = "AT Hill +0.5 kiwi +1+2 5";
const std::string kFields =
    R"("client":"kiwi","coordinates":"+1+2","time":"5","latitude":1,"longitude":2,"node":"Hill","difference":0.5)";

std::string event(const std::string& line) {
  return event_text(kFeed, line);
}

TEST_CASE("each event has its name in small letters, the place to resume from, and its fields") {
  CHECK(event("! http 7 ENTER 0.574 025 " + kAt) ==
        "event: enter\nid: 27d4eb2f165667c5:7\ndata: {" + kFields + R"(,"km":0.574,"bearing":25})" + "\n\n");
  CHECK(event("! http 0 HERE " + kAt) == "event: here\nid: 27d4eb2f165667c5:0\ndata: {" + kFields + "}\n\n");
  CHECK(event("! http 0 CENTRE " + kAt) == "event: centre\nid: 27d4eb2f165667c5:0\ndata: {" + kFields + "}\n\n");
  CHECK(event("! http 0 READY 12").ends_with("data: {\"count\":12}\n\n"));
  CHECK(event("! http 9 GONE reset kiwi").ends_with("data: {\"client\":\"kiwi\"}\n\n"));
  CHECK(event("! http 9 LEAVE kiwi").ends_with("data: {\"client\":\"kiwi\"}\n\n"));
  CHECK(event("! http 9 TICK 5.000000000").ends_with("data: {\"time\":\"5.000000000\"}\n\n"));
  CHECK(event("! http 9 END not allowed").ends_with("data: {\"reason\":\"not allowed\"}\n\n"));
}

TEST_CASE("an id cannot end an event: its bytes are those of JSON") {
  const std::string text = event("! http 9 ENTER \xE2\x80\xA8<b>\xE9");
  CHECK(
      text.ends_with("data: {\"client\":\"\xE2\x80\xA8<b>\xEF\xBF\xBD\",\"client_url\":\"%E2%80%A8%3Cb%3E%E9\"}\n\n"));
}

struct Stream {
  std::shared_ptr<EventStream::Inbox> inbox = std::make_shared<EventStream::Inbox>();
  std::vector<ViewerNews> news;
  int woken = 0;
  std::unique_ptr<EventStream> stream = std::make_unique<EventStream>(
      inbox, "WATCHING http 27d4eb2f165667c5 resumed\n", [this](ViewerNews what) { news.push_back(what); });

  Stream() {
    stream->on_more([this] { ++woken; });
  }
};

TEST_CASE_METHOD(Stream, "a stream begins with the feed, and asks for more lines when they were taken") {
  CHECK(*stream->pull().piece ==
        "retry: 1000\nevent: watching\ndata: {\"feed\":\"27d4eb2f165667c5\",\"resumed\":true}\n\n");
  CHECK(stream->pull().next == Next::Nothing);
  CHECK(news.empty());
  inbox->put("! http 0 READY 0\n! http 1 ENTER kiwi\n", false);
  CHECK(woken == 1);
  CHECK(*stream->pull().piece == event("! http 0 READY 0") + event("! http 1 ENTER kiwi"));
  CHECK(news == std::vector{ViewerNews::Taken});
  CHECK(stream->pull().next == Next::Nothing);
}

TEST_CASE_METHOD(Stream, "a stream ends after its last lines, and its watch learns when it is gone") {
  (void)stream->pull();
  inbox->put("! http 1 END stopping\n", true);
  CHECK(stream->pull().next == Next::Piece);
  CHECK(stream->pull().next == Next::End);
  stream.reset();
  CHECK(news == std::vector{ViewerNews::Taken, ViewerNews::Gone});
  const int before = woken;
  inbox->put("! http 2 TICK 5\n", false);
  CHECK(woken == before);
}

}  // namespace
}  // namespace herd::node::api

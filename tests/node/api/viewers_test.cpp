// The watches of the API in the loop, with streams that the test plays.
#include "node/api/viewers.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/node/one_node.hpp"

namespace herd::node::api {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const Token> token(const std::string& name, TokenLevel level = TokenLevel::All,
                                   const std::string& see = "*") {
  Token made;
  made.name = name;
  made.hash = hash_of(name);
  made.see = *Patterns::parse({see});
  made.level = level;
  return std::make_shared<const Token>(made);
}

std::shared_ptr<const TokenTable> table_of(const std::vector<std::shared_ptr<const Token>>& tokens) {
  std::vector<Token> copies;
  for (const auto& each : tokens) copies.push_back(*each);
  return std::make_shared<const TokenTable>(copies);
}

struct Herd {
  OneNode node;
  Asking asking{node.replica.store(), node.clock};
  Viewers viewers{asking, node.clock};
  Answer answer;
  std::string lines;
  int writes = 0;
  bool is_over = false;

  Herd() {
    asking.set_feed(7);
    asking.set_limits({.max_per_node = 3, .max_members = 1'000});
  }
  void begin(const std::string& query, ViewerKey key = 1, std::shared_ptr<const Token> with = nullptr) {
    http::Request request;
    request.query = query;
    auto question = ask_watch(request);
    REQUIRE(question);
    (*question)->viewer = key;
    (*question)->token = std::move(with);
    (*question)->events = [this](std::string text, bool is_last) {
      lines += text;
      ++writes;
      is_over = is_last;
    };
    viewers.begin(**question, std::get<protocol::Watch>((*question)->asked), [this](Answer a) { answer = a; });
  }
  void put(const std::string& client, const std::string& coordinates = "+1+2") {
    const auto time = std::to_string(++time_);
    node.replica.accept({client, coordinates, time, std::chrono::seconds(time_)}, node.now);
  }
  // Loop iterations until nothing is left to do.
  void iterate() {
    for (bool busy = true; busy;) {
      busy = asking.work();
      CHECK(asking.take_due().empty());
      busy = viewers.work() || busy;
    }
  }
  std::string take() {
    iterate();
    viewers.hear(1, ViewerNews::Taken);
    return std::exchange(lines, {});
  }

 private:
  int time_ = 0;
};

TEST_CASE_METHOD(Herd, "a stream gets the snapshot and then the events") {
  put("a");
  begin("all");
  CHECK(answer.kind == Answer::Kind::Given);
  CHECK(answer.text == "WATCHING http 0000000000000007 new\n");
  CHECK(take() == "! http 0 HERE AT Hill +1520023933.500000000 a +1+2 1\n! http 1 READY 1\n");
  put("b");
  CHECK(take().starts_with("! http 2 ENTER AT Hill"));
  node.now.steady += kDefaultBeat;
  CHECK(take().starts_with("! http 2 TICK "));
}

TEST_CASE_METHOD(Herd, "a stream that takes nothing gets one write, and continues with the present state") {
  begin("all");
  CHECK(take() == "! http 0 READY 0\n");
  put("a");
  iterate();
  const int before = writes;
  for (int i = 0; i < 100; ++i) {
    put("a");
    iterate();
  }
  CHECK(writes == before);
  CHECK(lines.starts_with("! http 1 ENTER"));
  lines.clear();
  viewers.hear(1, ViewerNews::Taken);
  CHECK(take() == "! http 101 MOVE AT Hill +1520023833.500000000 a +1+2 101\n");
}

TEST_CASE_METHOD(Herd, "one write has about kMaxViewerBytes, also of a large snapshot") {
  for (int i = 0; i < 1'000; ++i) put("client-" + std::to_string(i));
  begin("all");
  std::size_t clients = 0;
  for (std::string text = take(); !text.empty(); text = take()) {
    CHECK(text.size() < kMaxViewerBytes + 200);
    clients += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  CHECK(clients == 1'001);
}

TEST_CASE_METHOD(Herd, "a stream that has gone has no watch any more") {
  begin("all");
  CHECK(viewers.size() == 1);
  viewers.hear(1, ViewerNews::Gone);
  viewers.hear(1, ViewerNews::Taken);
  CHECK(viewers.size() == 0);
  CHECK(asking.watch_counters().watches == 0);
  put("a");
  CHECK(take().empty());
}

TEST_CASE_METHOD(Herd, "an unknown centre and a watch too many are refused") {
  begin("near=nemo&km=1");
  CHECK(answer.kind == Answer::Kind::Unknown);
  for (const ViewerKey key : {1U, 3U, 5U}) begin("all", key);
  CHECK(answer.kind == Answer::Kind::Given);
  begin("all", 7);
  CHECK(answer.kind == Answer::Kind::Unavailable);
  CHECK(viewers.size() == 3);
}

TEST_CASE_METHOD(Herd,
                 "a watch ends with END if it has too many members, if the node stops, and if its token is revoked") {
  for (int i = 0; i < 1'001; ++i) put("client-" + std::to_string(i));
  begin("at=1,2&km=1");
  std::string text;
  while (!is_over) text = take();
  CHECK(text.ends_with("END too many\n"));
  CHECK(viewers.size() == 0);
  begin("all");
  viewers.stop();
  CHECK(lines.ends_with("END stopping\n"));
  CHECK(viewers.size() == 0);
  viewers.use_tokens(table_of({token("ann"), token("bob")}));
  begin("all", 1, token("ann"));
  begin("all", 3, token("bob"));
  viewers.use_tokens(table_of({token("ann")}));
  CHECK(lines.ends_with("END not allowed\n"));
  CHECK(viewers.size() == 1);
  begin("all", 5, token("bob"));
  CHECK(answer.kind == Answer::Kind::Unavailable);
  viewers.use_tokens(nullptr);
  CHECK(viewers.size() == 1);
}

TEST_CASE_METHOD(Herd, "a token limits what its stream sees, and ends it when it expires") {
  put("mine");
  put("other");
  const auto one_client = token("ann", TokenLevel::All, "mine");
  viewers.use_tokens(table_of({one_client}));
  begin("all", 1, one_client);
  CHECK(take().ends_with("READY 1\n"));
  const auto events_only = token("ann", TokenLevel::Events);
  viewers.use_tokens(table_of({events_only}));
  CHECK(take() == "! http 2 END not allowed\n");  // its rights have changed
  begin("all", 1, events_only);
  (void)take();
  put("new");
  CHECK(take() == "! http 3 ENTER new\n");
  viewers.hear(1, ViewerNews::Gone);
  Token expiring = *token("ann");
  expiring.expires = node.now.wall + 10s;
  const auto expires = std::make_shared<const Token>(expiring);
  viewers.use_tokens(table_of({expires}));
  begin("all", 1, expires);
  (void)take();
  node.now.wall += 10s;
  node.now.steady += 10s;
  CHECK(take().ends_with("END not allowed\n"));
  CHECK(is_over);
}

}  // namespace
}  // namespace herd::node::api

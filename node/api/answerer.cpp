#include "node/api/answerer.hpp"

#include <string>
#include <utility>

#include "node/api/map_query.hpp"
#include "node/area/at_line.hpp"
#include "node/area/client_filter.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/reply.hpp"

namespace herd::node::api {
namespace {

// What the token of a question may see; empty: every client.
area::Visible visible_to(const Question& question) {
  if (question.token == nullptr) return {};
  return [token = question.token](std::string_view client) { return token->see.allow(client); };
}

}  // namespace

// A question that waits for its answer.
class Answerer::Waiter : public Asking::Asker {
 public:
  Waiter(const LoopClock& clock, Done done) : clock_(clock), begun_(clock.now().steady), done_(std::move(done)) {}
  ~Waiter() override {
    if (done_) done_({Answer::Kind::Unavailable, {}, "the answer takes too long: ask for a smaller area"});
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  [[nodiscard]] bool is_gone() const override { return clock_.now().steady - begun_ >= kPatience; }
  void answer(std::string text) override { std::exchange(done_, nullptr)({Answer::Kind::Given, std::move(text)}); }

 private:
  const LoopClock& clock_;
  const protocol::Nanoseconds begun_;
  Done done_;
};

void Answerer::answer(QuestionPtr question, Done done) {
  const Question& asked = *question;
  std::visit(protocol::Overloaded{
                 [&](const protocol::Whereis& where) { whereis(asked, where, done); },
                 [&](const protocol::Near& near) { query(asked, QueryCommand::Near, near, std::move(done)); },
                 [&](const protocol::Within& within) { query(asked, QueryCommand::Within, within, std::move(done)); },
                 [&](const protocol::Count& count) { query(asked, QueryCommand::Count, count, std::move(done)); },
                 [&](const MapAsked& box) { map(asked, box, std::move(done)); },
                 [&](const protocol::Watch& watch) { parts_.viewers.begin(asked, watch, done); },
             },
             question->asked);
}

void Answerer::whereis(const Question& question, const protocol::Whereis& asked, const Done& done) {
  const auto visible = visible_to(question);
  const bool is_visible = !visible || visible(asked.client);
  const auto record = is_visible ? parts_.replica.find(asked.client) : std::nullopt;
  if (!record || bus::is_reset(*record)) {
    parts_.asking.counters().count(QueryCommand::Whereis, QueryResult::Refused);
    return done({Answer::Kind::Unknown, {}, "the client is not known: it has not reported yet, or was reset"});
  }
  parts_.asking.counters().count(QueryCommand::Whereis, QueryResult::Answered);
  std::string line;
  protocol::append_at(line, area::at_line_of(*record));
  done({Answer::Kind::Given, std::move(line)});
}

void Answerer::query(const Question& question, QueryCommand command, const area::Query::Asked& asked, Done done) {
  auto query = std::make_unique<area::Query>(parts_.asking.parts(), asked, visible_to(question));
  switch (query->begin(parts_.clock.now().wall)) {
    case area::Query::Begun::Refused:
      parts_.asking.counters().count(command, QueryResult::Refused);
      return done({query->reason() == area::kUnknownCentre ? Answer::Kind::Unknown : Answer::Kind::Refused,
                   {},
                   query->reason()});
    case area::Query::Begun::Running:
      return run({command, std::move(query)}, std::move(done));
  }
}

void Answerer::map(const Question& question, const MapAsked& asked, Done done) {
  const area::Query::Parts parts = parts_.asking.parts();
  const std::uint64_t feed_id = parts_.replica.self().feed_id;
  run({QueryCommand::Map, std::make_unique<MapQuery>(MapQuery::Parts{parts.store, parts.index, feed_id,
                                                                     parts_.asking.oldest(), parts_.clock.now().wall},
                                                     asked, visible_to(question))},
      std::move(done));
}

void Answerer::run(Asking::Running running, Done done) {
  if (auto answer = parts_.asking.run(running)) return done({Answer::Kind::Given, std::move(*answer)});
  parts_.asking.wait(std::move(running), std::make_unique<Waiter>(parts_.clock, std::move(done)));
}

}  // namespace herd::node::api

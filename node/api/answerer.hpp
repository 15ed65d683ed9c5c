// Answers the questions of the HTTP API in the loop, by the queries and within the slices of the line protocol
// (node/clients/asking.hpp). Loop thread only.
#pragma once

#include "bus/replica/replica.hpp"
#include "node/api/question_queue.hpp"
#include "node/api/viewers.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/asking.hpp"

namespace herd::node::api {

// A question that is not answered after this time is given up, and its client gets 503. Less than Limits::answer_time
// of the HTTP server, which says less.
inline constexpr protocol::Nanoseconds kPatience = std::chrono::seconds(4);

class Answerer {
 public:
  struct Parts {
    const bus::Replica& replica;
    Asking& asking;
    const LoopClock& clock;
    Viewers& viewers;
  };
  // The parts must outlive it.
  explicit Answerer(const Parts& parts) : parts_(parts) {}

  // Answers now, or in a later loop iteration. Calls `done` once, unless the node stops first.
  void answer(QuestionPtr question, Done done);

 private:
  class Waiter;

  void whereis(const Question& question, const protocol::Whereis& asked, const Done& done);
  void query(const Question& question, QueryCommand command, const area::Query::Asked& asked, Done done);
  void map(const Question& question, const MapAsked& asked, Done done);
  void run(Asking::Running running, Done done);

  Parts parts_;
};

}  // namespace herd::node::api

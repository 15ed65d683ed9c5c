// The watches of the HTTP API, in the loop: one for each event stream. As a connection of the line protocol, a stream
// has a Watcher, which writes when the stream can take lines, and costs a cursor and its members while it cannot. At
// most kMaxViewerBytes of lines are on their way to a stream. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "node/api/question_queue.hpp"
#include "node/api/viewer.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/asking.hpp"
#include "node/config/token_table.hpp"

namespace herd::node::api {

class Viewers {
 public:
  // Both must outlive it.
  Viewers(Asking& asking, const LoopClock& clock) : asking_(asking), clock_(clock) {}
  Viewers(const Viewers&) = delete;
  Viewers& operator=(const Viewers&) = delete;

  // Begins the watch that the question asks for. `done` gets the line WATCHING, or why there is no watch.
  void begin(const Question& question, const protocol::Watch& command, const Done& done);

  // What the stream tells; nothing happens if its watch is over.
  void hear(ViewerKey key, ViewerNews news);

  // Writes the events that are due, at most for 0.5 ms. Call it at the end of each loop iteration, after
  // FrontEnd::ask(). Returns true if work is left.
  [[nodiscard]] bool work();

  // Watches need a token of this table; nullptr: none. Those of tokens that were revoked or edited end: their clients
  // may resume them with the new rights. Watches of expired tokens end within a second.
  void use_tokens(std::shared_ptr<const TokenTable> table);

  // The node stops: all watches end.
  void stop();

  [[nodiscard]] std::size_t size() const { return viewers_.size(); }

 private:
  using TokenPtr = std::shared_ptr<const Token>;

  struct Viewer {
    std::unique_ptr<watches::Watcher> watcher;
    TokenPtr token;  // nullptr: none was needed
    EventSink events;
    bool can_take = true;    // the stream has taken what was written before
    bool is_due = false;     // has something to write
    bool is_queued = false;  // is in to_write_
  };

  void note_due(ViewerKey key);
  void queue(ViewerKey key, Viewer& viewer);
  void write(ViewerKey key, Viewer& viewer, TimeSlice& slice);
  void end(ViewerKey key, watches::EndReason reason);
  void end_expired();
  // Ends those without a token, and those of which condition(token) is true.
  template <typename Condition>
  void end_all_if(const Condition& condition);

  Asking& asking_;
  const LoopClock& clock_;
  std::unordered_map<ViewerKey, Viewer> viewers_;
  std::deque<ViewerKey> to_write_;
  std::shared_ptr<const TokenTable> table_;  // nullptr: no token is needed
  protocol::Nanoseconds next_look_{};        // for expired tokens, in steady time
};

}  // namespace herd::node::api

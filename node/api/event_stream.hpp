// The event stream of one watch on the HTTP thread: takes the lines of its events from the loop, and gives them to the
// connection as server-sent events (HTML, 9.2). It asks the loop for more when the connection has taken what came, so
// a client that does not read holds kMaxViewerBytes here and one piece in the connection. HTTP thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "node/api/viewer.hpp"
#include "node/http/response.hpp"

namespace herd::node::api {

// `event: enter`, `id: <feed>:<number>`, `data: {...}` and an empty line, of one line `! <tag> <number> <EVENT> ...`.
[[nodiscard]] std::string event_text(std::string_view feed, std::string_view line);

// `event: watching` and its data, of the line `WATCHING <tag> <feed> new` or `resumed`.
[[nodiscard]] std::string watching_text(std::string_view line);

class EventStream : public http::StreamSource {
 public:
  // What waits for the client. The loop puts lines into it by way of the HTTP thread.
  class Inbox {
   public:
    void put(const std::string& lines, bool is_last);

   private:
    friend class EventStream;
    std::string lines_;
    bool is_last_ = false;
    std::function<void()> wake_;
  };
  using Tell = std::function<void(ViewerNews)>;

  // `watching`: the line of the answer. `tell`: tells the watch of this stream.
  EventStream(std::shared_ptr<Inbox> inbox, std::string_view watching, Tell tell);
  ~EventStream() override;
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  Pulled pull() override;
  void on_more(std::function<void()> wake) override { inbox_->wake_ = std::move(wake); }

 private:
  std::shared_ptr<Inbox> inbox_;
  std::string feed_;
  std::string first_;  // the event `watching`; empty: it was pulled
  Tell tell_;
};

}  // namespace herd::node::api

// A watch: first the clients inside a circle or a box, with certain ids, or all clients; then each change as it comes.
// A member is a client that the watch has inside. A Watch belongs to one thread at a time, and has its own connection.
//
//   herd::Watch watch({{"127.0.0.1:12140", "127.0.0.1:12141"}}, herd::WatchQuery::near("kiwi", 1));
//   herd::Members members;
//   while (is_running) {
//     if (auto event = watch.next(std::chrono::seconds{1})) members.apply(*event);
//   }
#pragma once

#include <map>
#include <thread>

#include "herd/detail/connection.hpp"
#include "herd/types.hpp"

namespace herd {

// The operands and options of WATCH (docs/ASKING.md). Make it by one of the functions, then set options. The node
// refuses an option that has no meaning for the query. Errors of the functions: Argument.
struct WatchQuery {
  // One client, or a prefix of ids and `*`.
  static WatchQuery client(const std::string& id) { return of("CLIENT " + detail::client_text(id)); }
  // `km`: the radius in kilometres, 0 to 20016.
  static WatchQuery near(const Centre& centre, double km) { return of(detail::circle_text({centre, km})); }
  static WatchQuery within(const Box& box) { return of(detail::box_text(box)); }
  static WatchQuery all() { return of("ALL"); }

  std::string what;                  // made by the functions above
  std::string match{};               // a prefix of ids and `*`; empty: every client
  std::optional<double> slack_km{};  // kilometres: a member leaves only beyond the radius plus this; only near()
  std::optional<double> dwell_s{};   // seconds: a client enters only after this time inside; only near() and within()
  std::optional<double> every_s{};   // seconds: at most one Move of a client in this time
  std::chrono::seconds beat{15};     // a Tick after this time without another event; 5 s to 1 h

 private:
  static WatchQuery of(std::string what) {
    WatchQuery query;
    query.what = std::move(what);
    return query;
  }
};

struct Event {
  enum class Kind {
    Watching,  // the watch has begun at `node`; is_resumed true: keep the members; false: forget them
    Here,      // inside when the watch began
    Ready,     // the snapshot is complete; `text` is the number of Here events
    Enter,     // a client has come inside
    Move,      // a member has reported again
    Leave,     // a client is no longer inside
    Centre,    // the client in the centre has reported
    Gone,      // an operator has reset the client
    Tick,      // no other event came for `beat`; `text` is the node's clock, in seconds since 1970
    End,       // the node has ended the watch; `text` is the reason
    Lost,      // the connection is lost; `text` is the reason. next() connects again
  };

  Kind kind = Kind::Lost;
  std::string client{};            // of Here, Enter, Move, Leave, Centre, Gone
  std::optional<Record> record{};  // of the same kinds, except Gone; nullopt with a token of `level=events`
  std::optional<double> km{};      // distance from the centre in kilometres; only if the watch is a circle
  int bearing = 0;                 // degrees from north, 0 to 359; only if `km` has a value
  bool is_resumed = false;         // of Watching
  std::string text{};              // of Ready, Tick, End, Lost
  std::string node{};              // the address of the node, as in Options::nodes
};

class Watch {
 public:
  // Takes copies of both. Connects at the first next(). Options::tries has no effect: a watch has no limit of tries.
  // Errors: Argument.
  Watch(Options options, const WatchQuery& query) : nodes_(std::move(options)), beat_(query.beat) {
    const auto add = [this](const char* name, const std::optional<double>& value) {
      if (!value) return;
      if (!(*value >= 0 && *value < 1e9)) throw Error(ErrorKind::Argument, std::string(name) + " is 0 to 1e9");
      line_ += std::string(" ") + name + "=" + detail::fixed(*value, detail::kMillimetreDigits);
    };
    line_ = "WATCH w " + query.what + detail::match_text(query.match) + " beat=" + std::to_string(beat_.count());
    add("slack", query.slack_km);
    add("dwell", query.dwell_s);
    add("every", query.every_s);
  }

  // Returns the next event; nullopt if none has come within `wait`. A call that connects may take longer: up to
  // Options::timeout for each step, which are to connect and the answers to the token, to INFO and to WATCH.
  //
  // After Lost, and after End with the reason `stopping` or `not allowed`, later calls connect again, after a pause
  // that grows with each failure, up to 10 s. They connect to the same node first, where the watch is resumed, then to
  // the next ones, where it begins anew. If no line comes for `beat` plus Options::timeout, the node hangs, and the
  // watch goes to the next node.
  //
  // The library reads only in this function, and holds at most 12 KiB that were not taken. A slow caller gets the
  // newest state of each client, not each change. A node disconnects a caller that takes nothing for idle_timeout (300
  // s).
  //
  // Errors: Refused: the node refuses the token, or the watch when it begins for the first time; Ended: the watch has
  // ended with another reason, and each further call throws this again; Protocol.
  std::optional<Event> next(std::chrono::milliseconds wait) {
    const Deadline until = SteadyClock::now() + wait;
    if (end_) throw *end_;
    try {
      if (!connection_) {
        std::this_thread::sleep_until(std::min(until, retry_at_));
        if (retry_at_ > until) return std::nullopt;
        return open();
      }
      const auto line = connection_->line(std::min(until, silent_at_));
      const auto now = SteadyClock::now();
      if (line) {
        silent_at_ = now + beat_ + nodes_.options().timeout;
        return read(*line);
      }
      if (now >= silent_at_) throw Error(ErrorKind::Timeout, "the node has sent nothing for too long");
      return std::nullopt;
    } catch (const Error& error) {
      if (!error.is_transient()) throw;
      Event event = make(Event::Kind::Lost);
      event.text = error.what();
      lose(error.kind() == ErrorKind::Timeout);
      return event;
    }
  }

 private:
  static constexpr std::chrono::seconds kStable{10};  // after a watch that ran for longer, the pauses begin anew

  [[nodiscard]] Event make(Event::Kind kind) const {
    Event event;
    event.kind = kind;
    event.node = nodes_.current();
    return event;
  }

  Event open() {
    began_at_ = SteadyClock::now();
    auto connection = nodes_.connect();
    connection->require("WATCH");
    connection->send(line_ + (position_.empty() ? "" : " from=" + position_) + "\n");
    const std::string reply = connection->reply();
    const auto words = detail::split(reply);
    if (words.front() == "?") {
      const std::string reason = "the watch is refused: " + connection->why();
      // A node that has just started may not know the centre yet.
      throw Error(was_open_ ? ErrorKind::Network : ErrorKind::Refused, reason);
    }
    if (words.size() != 4 || words.front() != "WATCHING") {
      throw Error(ErrorKind::Protocol, "WATCH has another answer: " + reply.substr(0, 100));
    }
    connection_ = std::move(connection);
    was_open_ = true;
    feed_ = words[2];
    silent_at_ = SteadyClock::now() + beat_ + nodes_.options().timeout;
    Event event = make(Event::Kind::Watching);
    event.is_resumed = words[3] == "resumed";
    if (!event.is_resumed) position_.clear();  // the members of the former position are forgotten
    return event;
  }

  // Reads `! w <number> <EVENT> …`.
  Event read(const std::string& line) {
    const auto words = detail::split(line);
    if (words.size() < 5 || words[0] != "!" || words[1] != "w") {
      throw Error(ErrorKind::Protocol, "a watch has another line than events: " + line.substr(0, 100));
    }
    Event event = make(kind_of(words[3]));
    const std::string rest = line.substr(static_cast<std::size_t>(words[4].data() - line.data()));
    if (event.kind == Event::Kind::Ready || event.kind == Event::Kind::Tick || event.kind == Event::Kind::End) {
      event.text = rest;
    } else if (words.size() == 5) {
      event.client = rest;  // with a token of level=events
    } else if (event.kind == Event::Kind::Gone) {
      event.client = words[5];
    } else {
      const std::size_t at = words[4] == "AT" ? 4 : 6;
      event.record = detail::record_of(words, at);
      event.client = event.record->client;
      if (at == 6) event.km = detail::number_of<double>(words[4]);
      if (at == 6) event.bearing = detail::number_of<int>(words[5]);
    }
    // Lines before READY bear 0, which is no position.
    if (words[2] != "0") position_ = feed_ + ":" + std::string(words[2]);
    if (event.kind == Event::Kind::Ready) is_complete_ = true;
    if (event.kind == Event::Kind::End) end(event.text);
    return event;
  }

  static Event::Kind kind_of(std::string_view name) {
    using Kind = Event::Kind;
    static const std::map<std::string_view, Kind> kinds{
        {"HERE", Kind::Here}, {"READY", Kind::Ready}, {"ENTER", Kind::Enter},
        {"MOVE", Kind::Move}, {"LEAVE", Kind::Leave}, {"CENTRE", Kind::Centre},
        {"GONE", Kind::Gone}, {"TICK", Kind::Tick},   {"END", Kind::End}};
    const auto found = kinds.find(name);
    if (found != kinds.end()) return found->second;
    throw Error(ErrorKind::Protocol, "an event has the unknown name " + std::string(name.substr(0, 20)));
  }

  void end(const std::string& reason) {
    if (reason != "stopping" && reason != "not allowed") {
      end_ = Error(ErrorKind::Ended, "the node has ended the watch: " + reason);
    }
    lose(false);
  }

  // Closes the connection and chooses where and when the next one is made.
  void lose(bool hangs) {
    const auto now = SteadyClock::now();
    failures_ = now - began_at_ > kStable ? 1 : failures_ + 1;
    if (!is_complete_ || hangs) nodes_.leave();
    is_complete_ = false;
    connection_.reset();
    retry_at_ = now + nodes_.pause(failures_);
  }

  detail::Nodes nodes_;
  std::chrono::seconds beat_;
  std::string line_;  // WATCH without `from` and the line end
  std::unique_ptr<detail::Connection> connection_;
  std::string feed_;
  std::string position_;  // <feed>:<number> after which to resume; empty: begin anew
  bool was_open_ = false;
  bool is_complete_ = false;  // READY has come on this connection
  int failures_ = 0;          // in a row
  Deadline began_at_{};
  Deadline silent_at_{};  // when the node counts as hanging
  Deadline retry_at_{};
  std::optional<Error> end_;
};

// The members of one watch, by their ids. Apply every event of the watch, in order. One thread at a time.
class Members {
 public:
  void apply(const Event& event) {
    using Kind = Event::Kind;
    if (event.kind == Kind::Watching && !event.is_resumed) clients_.clear();
    if (event.kind == Kind::Here || event.kind == Kind::Enter || event.kind == Kind::Move) {
      clients_[event.client] = event;
    }
    if (event.kind == Kind::Leave || event.kind == Kind::Gone) clients_.erase(event.client);
    if (event.kind == Kind::Ready) is_ready_ = true;
    if (event.kind == Kind::Watching || event.kind == Kind::Lost || event.kind == Kind::End) is_ready_ = false;
  }

  // The newest event of each member.
  [[nodiscard]] const std::map<std::string, Event>& clients() const { return clients_; }
  // Whether the members are complete: false until Ready, and while the connection is lost.
  [[nodiscard]] bool is_ready() const { return is_ready_; }

 private:
  std::map<std::string, Event> clients_;
  bool is_ready_ = false;
};

}  // namespace herd

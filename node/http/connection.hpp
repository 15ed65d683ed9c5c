// One connection of the HTTP server: reads a request, has a page answer it, writes the response, and begins again or
// ends. HTTP thread only. It holds one request and one response at a time and does not read while it answers, so that a
// client that sends many requests at once (pipelining) is answered in order and waits in the kernel.
//
//   Reading -> Answering -> Writing -> Reading ...        a page is asked, and the connection is kept
//                        -> Streaming                     a response without an end
//   Reading -> Writing -> Discarding -> Closed            a refusal, or the last response
#pragma once

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/observe/http_figures.hpp"
#include "node/http/limits.hpp"
#include "node/http/request_parser.hpp"
#include "node/http/router.hpp"

namespace herd::node::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // What all connections of a server share. It outlives them, except for their destructors.
  struct Shared {
    const Router& router;
    const Limits& limits;
    Figures& figures;
    std::vector<char> read_buffer;
    std::function<void(Connection&)> closed;                      // called once, from within any function below
    std::function<void(std::shared_ptr<Connection>)> serve_soon;  // brings about serve_stream()
    std::function<bool()> end_longest_writer;                     // evicts one that holds bytes; false: none does
    std::size_t held_bytes = 0;                                   // of responses that clients have not taken
  };

  // `group` is what the bound for each address counts.
  Connection(asio::ip::tcp::socket socket, asio::ip::address group, Shared& shared);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Reads what has come already, and waits for more.
  void begin();

  // Answers the request of that number; does nothing if it is not the one that is being answered.
  void answer(std::uint64_t request, Response response);
  void stream(std::uint64_t request, Stream stream);

  // Sends what the source of the stream has; some pieces, so that others have their turn.
  void serve_stream();

  // Ends what takes too long. Called several times a second.
  void check_deadline(Clock::time_point now);

  // Whether it may be closed to make room: no page works for it, and it is no viewer.
  [[nodiscard]] bool can_be_evicted() const;

  // Whether it keeps a response that its client has not taken.
  [[nodiscard]] bool holds_bytes() const { return held_bytes_ > 0; }

  // Closes it to make room, with 503 if it has sent a part of a request.
  void evict();

  // Closes it at once, without a response.
  void close();

  [[nodiscard]] const asio::ip::address& group() const { return group_; }
  [[nodiscard]] Clock::time_point waits_since() const { return waits_since_; }  // in its state, without progress

  std::size_t place = 0;  // in the server's list, which alone uses it

 private:
  enum class State { Reading, Answering, Writing, Streaming, Discarding, Closed };

  void enter(State state, Clock::duration time);
  void wait_to_read();
  void wait_to_write();
  void on_readable();
  std::size_t receive(std::size_t most);
  void read_request();
  void take(std::string_view bytes);
  void check_head();
  void dispatch();
  void refuse(const Refusal& refusal);
  void respond(Response response);
  void write();
  void hold(std::size_t bytes);
  void next_request();
  void finish();
  void discard();
  void begin_stream(Stream stream);
  void end_stream();
  bool load_piece();
  void abort();
  [[nodiscard]] bool has_unsent_bytes();
  std::size_t send_some(std::string_view bytes, bool& failed);

  asio::ip::tcp::socket socket_;
  asio::ip::address group_;
  Shared& shared_;
  State state_ = State::Reading;
  Clock::time_point waits_since_;
  Clock::time_point deadline_;
  Clock::time_point response_deadline_;  // of the response under way
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool is_head_checked_ = false;  // the router has seen the head of a request whose body is on its way
  bool closes_ = false;           // the response under way is the last one
  bool is_queued_ = false;        // serve_stream() will be called
  std::uint64_t request_ = 0;     // number of the current request
  RequestParser parser_;
  std::string pipelined_;       // bytes after the current request; kReadBytes at most
  std::string output_;          // what is being sent of a response, or a stream's head
  std::size_t held_bytes_ = 0;  // its share of Shared::held_bytes
  std::size_t discarded_ = 0;
  std::unique_ptr<StreamSource> source_;
  StreamSource::Piece piece_;  // what is being sent of a stream, after output_
  std::size_t sent_ = 0;       // of output_, or of piece_
};

}  // namespace herd::node::http

// One connection of the HTTP server. It reads a request, calls the page, writes the response, and then reads the next
// request or closes. HTTP thread only; owned by the server's list of connections and by its own pending callbacks. It
// holds one request and one response at a time and does not read while it answers. So the requests of a client that
// pipelines are answered in order and wait in the kernel.
//
//   Opening -> Reading                                    the TLS handshake, if the server speaks TLS
//   Reading -> Answering -> Writing -> Reading ...        a page answers, and the connection stays open
//                        -> Streaming                     a response of unbounded length
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

#include "node/http/limits.hpp"
#include "node/http/request_parser.hpp"
#include "node/http/router.hpp"
#include "node/http/transport.hpp"
#include "node/observe/http_figures.hpp"
#include "node/tls/tls_context.hpp"

namespace herd::node::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // State that all connections of a server share. It outlives the connections, but a destructor of a connection must
  // not use it.
  struct Shared {
    const Router& router;
    const Limits& limits;
    Figures& figures;
    std::vector<char> read_buffer;
    std::function<void(Connection&)> closed;  // called once per connection, possibly inside any function below
    std::function<void(std::shared_ptr<Connection>)> serve_soon;  // has serve_stream() called in a later iteration
    std::function<bool()> end_longest_writer;  // evicts the longest waiting one with held bytes; false if none has any
    std::function<void()> open_soon;           // has take_turn() called, of one connection that waits for it
    std::shared_ptr<const TlsContext> tls;     // new connections begin with a TLS handshake; nullptr: in plain text
    std::size_t held_bytes = 0;                // of all responses that wait for slow clients
    std::size_t body_bytes = 0;                // of all large bodies: Limits::bodies_in_all
  };

  // `group` is the address that the bound per address counts: see group_of().
  Connection(asio::ip::tcp::socket socket, asio::ip::address group, Shared& shared);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Processes the bytes that have arrived already, and waits for more. Call it once.
  void begin();

  // A step of a TLS handshake may take 0.5 ms of the thread, so each waits for its turn, which the server gives by
  // calling take_turn(). is_opening_tls(): the handshake has begun, and takes memory.
  [[nodiscard]] bool waits_for_turn() const { return state_ == State::Opening && waits_for_turn_; }
  [[nodiscard]] bool is_opening_tls() const { return state_ == State::Opening && transport_.has_tls(); }
  void take_turn();

  // Both answer the request with that number. They do nothing if that request is answered already.
  void answer(std::uint64_t request, Response response);
  void stream(std::uint64_t request, Stream stream);

  // Sends the next pieces of the stream. Sends at most kPiecesInOneGo of them and then yields to other connections.
  void serve_stream();

  // Ends the current state if its deadline has passed. The server calls it every kSweepPeriod.
  void check_deadline(Clock::time_point now);

  // Whether the connection may be closed to make room: no page is working for it, and it is not a viewer of a stream.
  [[nodiscard]] bool can_be_evicted() const;

  // Whether a response waits in memory because the client has not taken it.
  [[nodiscard]] bool holds_bytes() const { return held_bytes_ > 0; }

  // Closes the connection to make room; with a response 503 if the client has sent a part of a request.
  void evict();

  // Closes the connection at once, without a response. Does nothing if it is closed.
  void close();

  [[nodiscard]] const asio::ip::address& group() const { return group_; }

  // Since when the connection is in its state without progress.
  [[nodiscard]] Clock::time_point waits_since() const { return waits_since_; }

  std::size_t index = 0;  // in the server's list; used by the server only

 private:
  enum class State { Opening, Reading, Answering, Writing, Streaming, Discarding, Closed };

  struct Sent {
    std::size_t bytes = 0;
    bool is_blocked = false;  // try again when the socket is writable
    bool has_failed = false;
  };

  void enter(State state, Clock::duration time);
  void wait_to_read();
  void wait_to_write();
  void on_readable();
  void open();
  std::size_t receive(std::size_t most);
  void read_request();
  void take(std::string_view bytes);
  void check_head();
  void dispatch();
  void refuse(const Refusal& refusal);
  void respond(Response response);
  void write();
  void hold(std::size_t bytes);
  [[nodiscard]] bool reserve_body();
  void release_body();
  void next_request();
  void finish();
  void half_close();
  void discard();
  void begin_stream(Stream stream);
  void end_stream();
  bool load_piece();
  void abort();
  void close(bool resets);
  Sent send_some(std::string_view bytes);

  Transport transport_;
  asio::ip::address group_;
  Shared& shared_;
  State state_ = State::Reading;
  Clock::time_point waits_since_;
  Clock::time_point deadline_;
  Clock::time_point response_deadline_;  // of the current response
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool waits_for_turn_ = false;   // the next step of the TLS handshake can be made
  bool is_head_checked_ = false;  // the router has accepted the head; the body is still incomplete
  bool closes_ = false;           // the current response is the last one
  bool is_queued_ = false;        // the server will call serve_stream()
  std::uint64_t request_ = 0;     // number of the current request
  RequestParser parser_;
  std::string pipelined_;       // received bytes after the current request; at most kReadBytes
  std::string output_;          // the response that is being sent, or the head of a stream
  std::size_t held_bytes_ = 0;  // its share of Shared::held_bytes
  std::size_t body_bytes_ = 0;  // its share of Shared::body_bytes
  std::size_t discarded_ = 0;
  std::unique_ptr<StreamSource> source_;
  StreamSource::Piece piece_;  // the piece of a stream that is being sent, once output_ is sent
  std::size_t sent_ = 0;       // bytes sent of output_, or of piece_
};

}  // namespace herd::node::http

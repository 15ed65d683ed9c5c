// An incremental parser of one HTTP/1 request. It takes the bytes in pieces of any size, within the bounds of
// RequestLimits. Pure; any thread.
//
// It is strict (RFC 9112): it refuses a request at the first byte that the grammar does not allow, so that a proxy and
// this server cannot read one request in two ways (request smuggling). It refuses with 400, among others: an LF or a CR
// alone, a NUL, a folded header line, a space before the colon, two Content-Length lines, two Host lines.
//
//   RequestParser parser(limits);
//   while (parser.state() < RequestParser::State::Complete) parser.take(bytes_from_the_socket());
//   parser.state() == RequestParser::State::Refused ? answer(parser.refusal()) : answer(parser.request());
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "node/http/limits.hpp"
#include "node/http/request.hpp"

namespace herd::node::http {

class RequestParser {
 public:
  enum class State { RequestLine, Headers, Body, Complete, Refused };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  // Consumes bytes until the state changes to Body, Complete or Refused, and returns how many it consumed. In state
  // Body, call it again with the rest. In state Complete the rest belongs to the next request. It consumes nothing once
  // the request is complete or refused.
  std::size_t take(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }

  // Whether the parser has consumed at least one byte.
  [[nodiscard]] bool has_begun() const { return has_begun_; }

  // Valid in the states Body and Complete. In Body, the body is incomplete.
  [[nodiscard]] const Request& request() const { return request_; }

  // Valid in state Refused. The status is 400, 413, 414, 415, 417, 431, 501 or 505.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 private:
  void take_byte(char byte);
  void take_byte_of_line(char byte);
  void end_line();
  void end_request_line();
  void end_header_line();
  void end_head();
  bool check_framing();
  bool check_content();
  std::size_t take_body(std::string_view bytes);
  bool is_first_line_byte_wrong(char byte);
  void refuse(int status, std::string reason);

  RequestLimits limits_;
  State state_ = State::RequestLine;
  bool has_begun_ = false;
  bool has_carriage_return_ = false;  // the last byte was CR, so the next one must be LF
  bool skipped_empty_line_ = false;
  std::string line_;              // the current line so far, without its line end
  std::size_t header_bytes_ = 0;  // of all header lines, including line ends
  Request request_;
  Refusal refusal_;
};

}  // namespace herd::node::http

// Reads one HTTP/1 request from bytes that come in pieces of any size, strictly by RFC 9112 and within bounds: what the
// grammar does not allow is refused at the first wrong byte, so that no two readers could understand a request in two
// ways. A lone LF or CR, a NUL, a folded header line, a space before a colon, two Content-Length or Host lines are all
// refused with 400. Pure, any thread.
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

  // Takes bytes until the state changes to Body, Complete or Refused; returns how many. What is left is not of this
  // request, or is the body's: call it again in state Body. It takes nothing once the request is complete or refused.
  std::size_t take(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }

  // Whether a byte of the request has come.
  [[nodiscard]] bool has_begun() const { return has_begun_; }

  // In state Body and Complete; without the whole body in Body.
  [[nodiscard]] const Request& request() const { return request_; }

  // In state Refused: 400, 413, 414, 415, 417, 431, 501 or 505.
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
  bool has_carriage_return_ = false;  // the last byte was CR: LF must follow
  bool skipped_empty_line_ = false;
  std::string line_;              // the current line so far, without its line end
  std::size_t header_bytes_ = 0;  // with line ends
  Request request_;
  Refusal refusal_;
};

}  // namespace herd::node::http

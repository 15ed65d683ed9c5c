#include "node/http/request_parser.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "node/http/target.hpp"

namespace herd::node::http {
namespace {

constexpr char kTlsRecord = 0x16;  // the first byte of a TLS handshake

// `tchar` of RFC 9110, section 5.6.2: the characters of methods and header names.
bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return to_lower(c); });
  return lower;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Whether a header with a comma-separated list contains the token (in lower case). The list may span several lines.
bool list_contains(const Request& request, std::string_view name, std::string_view token) {
  for (const Header& header : request.headers) {
    if (header.name != name) continue;
    std::string_view rest = header.value;
    while (true) {
      const auto comma = rest.find(',');
      if (to_lower(trim(rest.substr(0, comma))) == token) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

bool may_appear_once(std::string_view name) {
  return name == "host" || name == "content-length";
}

// Accepts digits only: no sign, no list. A number above 64 bits becomes the maximum, which exceeds every bound.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc{} ? length : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

std::size_t RequestParser::take(std::string_view bytes) {
  if (state_ == State::Body) return take_body(bytes);
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ < State::Body) take_byte(bytes[taken++]);
  return taken;
}

std::size_t RequestParser::take_body(std::string_view bytes) {
  const std::uint64_t missing = *request_.content_length - request_.body.size();
  const std::size_t taken = std::min<std::uint64_t>(missing, bytes.size());
  request_.body.append(bytes.substr(0, taken));
  if (taken == missing) state_ = State::Complete;
  return taken;
}

void RequestParser::take_byte(char byte) {
  has_begun_ = true;
  if (state_ == State::Headers && ++header_bytes_ > limits_.header_bytes) {
    return refuse(431, "the header lines have more than " + std::to_string(limits_.header_bytes) + " bytes");
  }
  if (has_carriage_return_) {
    if (byte != '\n') return refuse(400, "a CR is not followed by LF");
    has_carriage_return_ = false;
    end_line();
    line_.clear();
  } else if (byte == '\r') {
    has_carriage_return_ = true;
  } else if (state_ == State::RequestLine && is_first_line_byte_wrong(byte)) {
    return;
  } else if (byte == '\n') {
    refuse(400, "a line ends with LF alone: HTTP lines end with CR LF");
  } else if (is_control(byte) && byte != '\t') {
    refuse(400, "a header line has a control character");
  } else {
    take_byte_of_line(byte);
  }
}

// Refuses the request if `byte` cannot continue the request line. Returns whether it has refused.
bool RequestParser::is_first_line_byte_wrong(char byte) {
  const bool in_method = line_.find(' ') == std::string::npos;
  if (line_.empty() && byte == kTlsRecord) {
    refuse(400, "this port does not speak TLS: use http:// instead of https://");
  } else if (in_method && byte != ' ' && byte != '\n' && !is_token_character(byte)) {
    refuse(400, "the first bytes do not begin an HTTP request");
  } else if (line_.empty() && byte == ' ') {
    refuse(400, "the request line begins with a space");
  } else if (in_method && byte != ' ' && byte != '\n' && line_.size() >= kMaxMethodBytes) {
    refuse(501, "the method has more than " + std::to_string(kMaxMethodBytes) + " letters");
  } else if (static_cast<unsigned char>(byte) >= 0x7f || (is_control(byte) && byte != '\n')) {
    refuse(400, "the request line has a byte that is not printable ASCII");
  }
  return state_ == State::Refused;
}

void RequestParser::take_byte_of_line(char byte) {
  if (state_ == State::RequestLine && line_.size() >= limits_.request_line_bytes) {
    return refuse(414, "the request line has more than " + std::to_string(limits_.request_line_bytes) + " bytes");
  }
  if (state_ == State::Headers && line_.size() >= limits_.header_line_bytes) {
    return refuse(431, "a header line has more than " + std::to_string(limits_.header_line_bytes) + " bytes");
  }
  line_ += byte;
}

void RequestParser::end_line() {
  if (state_ == State::RequestLine) {
    end_request_line();
  } else if (line_.empty()) {
    end_head();
  } else {
    end_header_line();
  }
}

void RequestParser::end_request_line() {
  if (line_.empty()) {  // RFC 9112, 2.2: old clients send a line end after a body; one is skipped
    if (skipped_empty_line_) return refuse(400, "several empty lines come before the request line");
    skipped_empty_line_ = true;
    return;
  }
  const std::string_view line = line_;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.find(' ', first + 1) != last || last == first + 1) {
    return refuse(400, "the request line is not METHOD SP TARGET SP HTTP/1.1");
  }
  const std::string_view version = line.substr(last + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return refuse(400, "the request line does not end with HTTP/1.1 or HTTP/1.0");
  }
  if (version[5] != '1') return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  request_.minor_version = version[7] - '0';
  request_.method = line.substr(0, first);
  auto target = parse_target(request_.method, line.substr(first + 1, last - first - 1));
  if (!target) return refuse(400, target.error().message);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  state_ = State::Headers;
}

void RequestParser::end_header_line() {
  const std::string_view line = line_;
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "a header line begins with a space: folded lines are not allowed");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "a header line is not NAME: VALUE, without a space before the colon");
  }
  if (request_.headers.size() >= limits_.headers) {
    return refuse(431, "the request has more than " + std::to_string(limits_.headers) + " header lines");
  }
  std::string name = to_lower(line.substr(0, colon));
  if (may_appear_once(name) && request_.header(name) != nullptr) {
    return refuse(400, "the request has two " + name + " lines");
  }
  request_.headers.push_back({std::move(name), std::string(trim(line.substr(colon + 1)))});
}

void RequestParser::end_head() {
  if (!check_framing() || !check_content()) return;
  const bool closes = list_contains(request_, "connection", "close");
  const bool keeps = request_.minor_version >= 1 || list_contains(request_, "connection", "keep-alive");
  request_.keep_alive = keeps && !closes;
  const bool has_body = request_.content_length.value_or(0) > 0;
  request_.expects_continue = request_.minor_version >= 1 && has_body && request_.header("expect") != nullptr;
  line_ = {};
  state_ = has_body ? State::Body : State::Complete;
}

// Checks the length of the request and its host. Two servers that disagree on these allow request smuggling.
bool RequestParser::check_framing() {
  const std::string* host = request_.header("host");
  const std::string* length = request_.header("content-length");
  const bool is_coded = request_.header("transfer-encoding") != nullptr;
  if (host == nullptr && request_.minor_version >= 1) {
    refuse(400, "an HTTP/1.1 request needs a Host line");
  } else if (host != nullptr && !is_host(*host)) {
    refuse(400, "the Host line is not NAME or NAME:PORT");
  } else if (length != nullptr && is_coded) {
    refuse(400, "the request has both Content-Length and Transfer-Encoding");
  } else if (is_coded && request_.minor_version == 0) {
    refuse(400, "an HTTP/1.0 request cannot have Transfer-Encoding");
  } else if (length != nullptr) {
    request_.content_length = parse_length(*length);
    if (!request_.content_length) refuse(400, "the Content-Length is not a number");
  }
  return state_ != State::Refused;
}

bool RequestParser::check_content() {
  const std::string* coding = request_.header("content-encoding");
  const std::string* expectation = request_.header("expect");
  if (coding != nullptr && to_lower(*coding) != "identity") {
    refuse(415, "a compressed body is not taken: send it without Content-Encoding");
  } else if (request_.header("transfer-encoding") != nullptr) {
    refuse(501, "a body in chunks is not taken: send it with Content-Length");
  } else if (request_.content_length.value_or(0) > limits_.body_bytes) {
    refuse(413, "the body has more than " + std::to_string(limits_.body_bytes) + " bytes");
  } else if (expectation != nullptr && to_lower(*expectation) != "100-continue") {
    refuse(417, "only 100-continue can be expected");
  }
  return state_ != State::Refused;
}

void RequestParser::refuse(int status, std::string reason) {
  state_ = State::Refused;
  refusal_ = {status, std::move(reason)};
  line_ = {};
}

}  // namespace herd::node::http

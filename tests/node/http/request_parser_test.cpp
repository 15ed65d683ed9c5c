#include "node/http/request_parser.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

using State = RequestParser::State;

RequestParser parsed(std::string_view text, const RequestLimits& limits = {}) {
  RequestParser parser(limits);
  while (!text.empty() && parser.state() < State::Complete) text.remove_prefix(parser.take(text));
  return parser;
}

// Returns the status of a refusal; 0 if the request is complete; -1 if the parser needs more bytes.
int outcome(std::string_view text, const RequestLimits& limits = {}) {
  const RequestParser parser = parsed(text, limits);
  if (parser.state() == State::Refused) return parser.refusal().status;
  return parser.state() == State::Complete ? 0 : -1;
}

std::string with_header(std::string_view line) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(line) + "\r\n\r\n";
}

Request request(std::string_view text) {
  const RequestParser parser = parsed(text);
  REQUIRE(parser.state() == State::Complete);
  return parser.request();
}

TEST_CASE("a request is parsed into its parts") {
  const auto read =
      request("GET /v1/near?at=%2B1&km=5 HTTP/1.1\r\nHost: hill:12440\r\nAccept:  text/html \r\nX:\r\n\r\n");
  CHECK(read.method == "GET");
  CHECK(read.path == "/v1/near");
  CHECK(read.query == "at=%2B1&km=5");
  CHECK(read.minor_version == 1);
  REQUIRE(read.header("accept") != nullptr);
  CHECK(*read.header("accept") == "text/html");
  CHECK(read.header("x")->empty());
  CHECK(read.header("cookie") == nullptr);
  CHECK(read.body.empty());
  CHECK_FALSE(read.content_length);
}

TEST_CASE("pieces of any size give the same request") {
  const std::string text = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET ";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    RequestParser parser({});
    std::size_t taken = 0;
    while (parser.state() < State::Complete) {
      REQUIRE(taken < text.size());
      taken += parser.take(std::string_view(text).substr(taken, piece));
    }
    REQUIRE(parser.state() == State::Complete);
    CHECK(parser.request().body == "hello");
    CHECK(taken == text.size() - 4);  // the rest belongs to the next request
    CHECK(parser.take("more") == 0);
  }
}

TEST_CASE("keep-alive depends on the version and on the Connection header") {
  struct Case {
    std::string version;
    std::string connection;
    bool kept;
  };
  for (const auto& [version, connection, kept] :
       std::vector<Case>{{"1.1", "", true},
                         {"1.1", "Connection: close\r\n", false},
                         {"1.1", "Connection: Upgrade, CLOSE\r\n", false},
                         {"1.1", "Connection: x\r\nConnection: close\r\n", false},
                         {"1.1", "Connection: closed\r\n", true},
                         {"1.7", "", true},
                         {"1.0", "", false},
                         {"1.0", "Connection: Keep-Alive\r\n", true},
                         {"1.0", "Connection: keep-alive, close\r\n", false}}) {
    INFO(version << " " << connection);
    CHECK(request("GET / HTTP/" + version + "\r\nHost: x\r\n" + connection + "\r\n").keep_alive == kept);
  }
}

TEST_CASE("every request that the grammar allows is accepted") {
  for (const auto* text : {
           "GET / HTTP/1.0\r\n\r\n",                                 // no Host in 1.0
           "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",                  // one empty line before
           "GET / HTTP/1.1\r\nHost:\r\n\r\n",                        // an empty Host
           "GET / HTTP/1.1\r\nHost: [::1]:12440\r\n\r\n",            //
           "GET http://hill:1/healthz HTTP/1.1\r\nHost: x\r\n\r\n",  //
           "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",                  //
           "CONNECT hill:1 HTTP/1.1\r\nHost: x\r\n\r\n",             //
           "CONNECT /metrics HTTP/1.1\r\nHost: x\r\n\r\n",           //
           "PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n",                 //
           "get / HTTP/1.1\r\nHost: x\r\n\r\n",                      //
           "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: x\r\n\r\n",   //
           "GET / HTTP/1.1\r\nHOST: x\r\n\r\n",                      //
           "GET / HTTP/1.1\r\nHost: x\r\nX: \xc3\xa4\t\x80\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 000\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\n\r\n",
       }) {
    INFO(text);
    CHECK(outcome(text) == 0);
  }
}

TEST_CASE("every request that the grammar does not allow is refused with 400") {
  for (const auto& text :
       std::vector<std::string>{"GET / HTTP/1.1\n",
                                "GET / HTTP/1.1\r\nHost: x\n",
                                "GET / HTTP/1.1\rHost: x\r\n\r\n",
                                "GET / HTTP/1.1\r\r\n",
                                "GET /\r\n",
                                "GET\r\n",
                                "GET  / HTTP/1.1\r\n",
                                "GET / HTTP/1.1 \r\n",
                                " GET / HTTP/1.1\r\n",
                                "GET / x HTTP/1.1\r\n",
                                "GET /\tHTTP/1.1\r\n",
                                "GET / http/1.1\r\n",
                                "GET / HTTP/1\r\n",
                                "GET / HTTP/1.10\r\n",
                                "GET / HTTP/x.1\r\n",
                                "GET / HTTX/1.1\r\n",
                                "\r\n\r\n",
                                "\n",
                                "G@T",
                                "GET /\xc3\xa4 ",
                                "GET healthz HTTP/1.1\r\n",
                                "GET * HTTP/1.1\r\n",
                                "GET /a%0 HTTP/1.1\r\n",
                                "GET /healthz%00 HTTP/1.1\r\n",
                                "GET /?%zz HTTP/1.1\r\n",
                                "GET /#a HTTP/1.1\r\n",
                                "GET ftp://x/ HTTP/1.1\r\n",
                                "GET http:///a HTTP/1.1\r\n",
                                "GET http://me@x/ HTTP/1.1\r\n",
                                "GET / HTTP/1.1\r\n\r\n",                        // no Host
                                with_header("Host: x"),                          // two Hosts
                                "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",  //
                                "GET / HTTP/1.1\r\nHost: x y\r\n\r\n",           //
                                "GET / HTTP/1.1\r\nHost: http://x\r\n\r\n",      //
                                "GET / HTTP/1.1\r\nHost : x\r\n\r\n",            //
                                "GET / HTTP/1.1\r\n Host: x\r\n\r\n",            // folded into the request line
                                with_header(" folded"),
                                with_header("\tfolded: x"),
                                with_header("no colon"),
                                with_header(": no name"),
                                with_header("A B: x"),
                                with_header("A\x01: x"),
                                with_header("A: \x01"),
                                with_header("A: \x7f"),
                                with_header(std::string("A: b") + '\0'),
                                with_header("\xc3\xa4: x"),
                                with_header("Content-Length: -1"),
                                with_header("Content-Length: +1"),
                                with_header("Content-Length: 0x1"),
                                with_header("Content-Length: "),
                                with_header("Content-Length: 0, 0"),
                                with_header("Content-Length: 0\r\nContent-Length: 0"),
                                with_header("Content-Length: 0\r\nTransfer-Encoding: chunked"),
                                with_header("Transfer-Encoding: chunked\r\nContent-Length: 0"),
                                "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    INFO(text);
    CHECK(outcome(text) == 400);
  }
}

TEST_CASE("bytes that cannot begin a request are refused at once, before a line end") {
  CHECK(parsed("\x16\x03\x01").refusal().reason == "this port does not speak TLS: use http:// instead of https://");
  for (const std::string_view first :
       {std::string_view("\x16", 1), std::string_view("\0", 1), std::string_view("\xff", 1), std::string_view("{", 1),
        std::string_view("\"", 1), std::string_view("G\0", 2), std::string_view("AT\n", 3),
        std::string_view("GET \x80", 5)}) {
    INFO(first);
    CHECK(outcome(first) == 400);
  }
}

TEST_CASE("an unsupported feature is refused with its own status") {
  CHECK(outcome("GET / HTTP/2.0\r\n") == 505);
  CHECK(outcome("PRI * HTTP/2.0\r\n") == 505);
  CHECK(outcome("GET / HTTP/0.9\r\n") == 505);
  CHECK(outcome(with_header("Transfer-Encoding: chunked")) == 501);
  CHECK(outcome(with_header("Transfer-Encoding: identity")) == 501);
  CHECK(outcome(with_header("Content-Encoding: gzip")) == 415);
  CHECK(outcome(with_header("Content-Encoding: gzip\r\nTransfer-Encoding: chunked")) == 415);
  CHECK(outcome(with_header("Expect: 200-ok")) == 417);
  CHECK(outcome(with_header("Content-Length: 99999999999999999999999999")) == 413);
}

TEST_CASE("100 Continue is expected only before a body, and never by HTTP/1.0") {
  const std::string rest = "Host: x\r\nExpect: 100-Continue\r\nContent-Length: ";
  CHECK(parsed("POST / HTTP/1.1\r\n" + rest + "2\r\n\r\n").request().expects_continue);
  CHECK_FALSE(parsed("POST / HTTP/1.1\r\n" + rest + "0\r\n\r\n").request().expects_continue);
  CHECK_FALSE(parsed("POST / HTTP/1.0\r\n" + rest + "2\r\n\r\n").request().expects_continue);
}

TEST_CASE("both sides of every bound") {
  RequestLimits limits;
  const std::string end = " HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto of_line = [&](std::size_t bytes) {
    std::string text("GET /");
    return text.append(bytes - 14, 'a') + end;
  };
  CHECK(outcome(of_line(limits.request_line_bytes)) == 0);
  CHECK(outcome(of_line(limits.request_line_bytes + 1)) == 414);
  const auto of_method = [&](std::size_t letters) {
    std::string text;
    return text.append(letters, 'A') + " /" + end;
  };
  CHECK(outcome(of_method(kMaxMethodBytes)) == 0);
  CHECK(outcome(of_method(kMaxMethodBytes + 1)) == 501);
  CHECK(outcome(with_header("A: " + std::string(limits.header_line_bytes - 3, 'a'))) == 0);
  CHECK(outcome(with_header("A: " + std::string(limits.header_line_bytes - 2, 'a'))) == 431);

  limits.header_line_bytes = limits.header_bytes;
  const std::size_t other_bytes = std::string_view("Host: x\r\nA: \r\n\r\n").size();
  CHECK(outcome(with_header("A: " + std::string(limits.header_bytes - other_bytes, 'a')), limits) == 0);
  CHECK(outcome(with_header("A: " + std::string(limits.header_bytes - other_bytes + 1, 'a')), limits) == 431);

  std::string lines;
  for (std::size_t count = 1; count < limits.headers; ++count) lines += "X: y\r\n";
  CHECK(outcome("GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n") == 0);
  CHECK(outcome("GET / HTTP/1.1\r\nHost: x\r\n" + lines + "X: y\r\n\r\n") == 431);

  const auto of_body = [](std::size_t bytes) {
    std::string text("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ");
    text += std::to_string(bytes) + "\r\n\r\n";
    return text.append(bytes, 'b');
  };
  CHECK(outcome(of_body(limits.body_bytes)) == 0);
  CHECK(outcome(of_body(limits.body_bytes + 1)) == 413);
}

TEST_CASE("lines without an end are refused at their bound") {
  for (const auto& [begin, status] : std::vector<std::pair<std::string, int>>{
           {"", 501}, {"GET /", 414}, {"GET / HTTP/1.1\r\nX: ", 431}, {"GET / HTTP/1.1\r\n", 431}}) {
    INFO(begin);
    RequestParser parser({});
    parser.take(begin);
    std::size_t taken = 0;
    const std::string piece(100, 'a');
    while (parser.state() < State::Complete) taken += parser.take(piece);
    CHECK(parser.refusal().status == status);
    CHECK(taken <= kMaxHeaderLineBytes + 1);
  }
}

TEST_CASE("every refusal has one sentence of plain text") {
  for (const auto& text : {std::string("\x16"), std::string(100, 'a'), std::string("GET / HTTP/3.0\r\n"),
                           with_header("Expect: x"), with_header("Content-Length: 9999999")}) {
    const auto parser = parsed(text);
    REQUIRE(parser.state() == State::Refused);
    CHECK(parser.refusal().reason.size() > 20);
    CHECK(parser.refusal().reason.find_first_of("\r\n") == std::string::npos);
  }
}

}  // namespace
}  // namespace herd::node::http

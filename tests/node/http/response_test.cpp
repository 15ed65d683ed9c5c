#include "node/http/response.hpp"

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

using std::chrono::system_clock;

TEST_CASE("a head has a date, a type, a length and the headers of the page") {
  Response response = text_response(405, "only GET and HEAD are answered here");
  response.headers.push_back({"Allow", "GET, HEAD"});
  CHECK(response.body == "only GET and HEAD are answered here\n");
  CHECK(head_of(response, {.keep_alive = false, .now = system_clock::from_time_t(784'111'777)}) ==
        "HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n"
        "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
        "Connection: close\r\nAllow: GET, HEAD\r\nContent-Length: 36\r\n\r\n");
}

TEST_CASE("a file of the dashboard may load scripts and styles of its own node, and nothing else") {
  Response response{200, "text/html; charset=utf-8", "<!DOCTYPE html>"};
  response.policy = ContentPolicy::Dashboard;
  const std::string head = head_of(response, {});
  CHECK(head.find("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; ") !=
        std::string::npos);
  CHECK(head.find("frame-ancestors 'none'; require-trusted-types-for 'script'; ") != std::string::npos);
  CHECK(head.find("unsafe") == std::string::npos);
  CHECK(head.find("Content-Security-Policy", head.find("Content-Security-Policy") + 1) == std::string::npos);
}

TEST_CASE("a head announces whether the connection stays open, and a stream has no length") {
  const HeadOptions kept{.keep_alive = true, .now = system_clock::from_time_t(0)};
  CHECK(head_of(text_response(200, "ok"), kept).find("\r\nConnection: keep-alive\r\n") != std::string::npos);
  const std::string head = head_of(Stream{"text/event-stream", nullptr}, {});
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("\r\nContent-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(head.find("Content-Length") == std::string::npos);
  CHECK(head.ends_with("\r\nConnection: close\r\n\r\n"));
}

TEST_CASE("every status that the server uses has its reason phrase") {
  for (const int status : {200, 400, 401, 404, 405, 408, 411, 413, 414, 415, 417, 421, 429, 431, 500, 501, 503, 505}) {
    INFO(status);
    CHECK(head_of(text_response(status, "x"), {}).find(" Status\r\n") == std::string::npos);
  }
  CHECK(head_of(text_response(299, "x"), {}).starts_with("HTTP/1.1 299 Status\r\n"));
}

}  // namespace
}  // namespace herd::node::http

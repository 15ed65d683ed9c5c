#include "node/http/response.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "node/base/json_text.hpp"

namespace herd::node::http {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";  // clients use the number only
  }
}

// "Sun, 06 Nov 1994 08:49:37 GMT". strftime is no option: its names depend on the locale.
std::string date_text(std::chrono::system_clock::time_point time) {
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return {};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// What a browser may do with a response. No other site can frame, embed or read it. Each line has its reason:
//   Cache-Control                 a page shows a momentary state, so no cache may store it
//   X-Content-Type-Options        text that clients have chosen is never taken for a script or a page
//   Content-Security-Policy       one of the two below; no frame
//   Cross-Origin-Resource-Policy  a page of another site cannot load it as an image or a script
//   Referrer-Policy               a query may name a client: a link does not carry it to another server
// Not sent, because they do nothing for data: X-Frame-Options (frame-ancestors replaces it), X-XSS-Protection,
// Permissions-Policy. Strict-Transport-Security would apply to all ports of the host name, of other programs too.
constexpr std::string_view kForBrowsers =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n";

// The values of Content-Security-Policy. Of data nothing is loaded or run, also if a browser shows it as a page. The
// dashboard loads scripts, styles, its icon and data from this node only, and has no inline script. Its texts become
// HTML nowhere, which Trusted Types have the browser check (node/http/page/trusted.js).
constexpr std::string_view kDataPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kDashboardPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default";

struct Content {
  int status;
  std::string_view type;
  ContentPolicy policy;
};

// The lines that every response has.
std::string common_head(const Content& content, const HeadOptions& options) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\n{}Content-Security-Policy: {}\r\nConnection: {}\r\n",
      content.status, reason_of(content.status), date_text(options.now), content.type, kForBrowsers,
      content.policy == ContentPolicy::Dashboard ? kDashboardPolicy : kDataPolicy,
      options.keep_alive ? "keep-alive" : "close");
}

}  // namespace

Response text_response(int status, std::string_view line) {
  return {status, std::string(kPlainText), fmt::format("{}\n", line)};
}

Response problem_response(int status, std::string_view detail) {
  std::string body =
      fmt::format("{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":", reason_of(status), status);
  append_json_string(body, detail);
  body += "}\n";
  return {status, "application/problem+json", std::move(body)};
}

Response retry_later(int status, std::string_view detail, std::chrono::seconds after) {
  auto response = problem_response(status, detail);
  response.headers.push_back({"Retry-After", std::to_string(after.count())});
  return response;
}

std::string head_of(const Response& response, const HeadOptions& options) {
  std::string head = common_head({response.status, response.content_type, response.policy}, options);
  for (const Header& header : response.headers) head += fmt::format("{}: {}\r\n", header.name, header.value);
  return head + fmt::format("Content-Length: {}\r\n\r\n", response.body.size());
}

std::string head_of(const Stream& stream, const HeadOptions& options) {
  return common_head({200, stream.content_type, ContentPolicy::Data}, options) + "\r\n";
}

}  // namespace herd::node::http

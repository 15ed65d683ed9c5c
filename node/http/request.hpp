// A parsed HTTP request, and the refusal of an invalid one. Values; any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herd::node::http {

struct Header {
  std::string name;  // of a request: in lower case
  std::string value;
};

struct Request {
  std::string method;     // as sent; methods are case-sensitive
  std::string path;       // percent-decoded, without scheme and host; begins with "/", or is "*" (OPTIONS *)
  std::string query;      // as sent, without "?"; empty if there is none
  int minor_version = 1;  // of HTTP/1: 0 to 9
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;
  std::string body;
  bool keep_alive = false;        // the client may send another request on this connection
  bool expects_continue = false;  // the client waits for 100 Continue before it sends the body

  // Returns the value of the first header of that name, which must be in lower case; null if there is none. Valid as
  // long as the request is not changed.
  [[nodiscard]] const std::string* header(std::string_view name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const Header& header) { return header.name == name; });
    return found == headers.end() ? nullptr : &found->value;
  }
};

// The answer to a request that the parser rejects, because it is invalid or exceeds a bound.
struct Refusal {
  int status = 400;
  std::string reason;  // one sentence for a person, without a line end
};

}  // namespace herd::node::http

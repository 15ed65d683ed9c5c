// An HTTP request that was read completely, and why one is refused. Values; any thread.
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
  std::string method;  // as sent; methods are case-sensitive
  std::string path;    // percent-decoded, begins with "/" ("*" for OPTIONS *); of an absolute-form target its path
  std::string query;   // as sent, without "?"
  int minor_version = 1;
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;
  std::string body;
  bool keep_alive = false;        // the client would like to send another request
  bool expects_continue = false;  // the client waits for 100 Continue before it sends the body

  // The value of the first header of that name (in lower case); null if there is none.
  [[nodiscard]] const std::string* header(std::string_view name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const Header& header) { return header.name == name; });
    return found == headers.end() ? nullptr : &found->value;
  }
};

// The answer to a request that no page is asked for, because it is wrong or beyond a bound.
struct Refusal {
  int status = 400;
  std::string reason;  // one sentence for a person, no line end
};

}  // namespace herd::node::http

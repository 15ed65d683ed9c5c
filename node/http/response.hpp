// The response of a page, complete or as a stream, and the bytes of its head. Values; any thread, but for StreamSource.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/http/request.hpp"

namespace herd::node::http {

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

// What a browser may do with the content: nothing, or run the dashboard (node/http/page_files.hpp).
enum class ContentPolicy { Data, Dashboard };

struct Response {
  int status = 200;
  std::string content_type{kPlainText};
  std::string body;                  // at most Limits::response_bytes
  std::vector<Header> headers = {};  // additional headers, such as Allow; name and value without line ends
  ContentPolicy policy = ContentPolicy::Data;
};

// A plain text response: `line` and a newline.
[[nodiscard]] Response text_response(int status, std::string_view line);

// A problem of RFC 9457: `detail` says what to do. Any text is allowed.
[[nodiscard]] Response problem_response(int status, std::string_view detail);

// A problem that may be gone after this time: the response has a Retry-After line.
[[nodiscard]] Response retry_later(int status, std::string_view detail,
                                   std::chrono::seconds after = std::chrono::seconds(1));

// The source of a response of unbounded length, such as server-sent events. The connection pulls the next piece when
// the client has taken the previous one, so a slow client holds at most one piece. The connection owns the source and
// destroys it when the stream ends or the client disconnects. HTTP thread only.
class StreamSource {
 public:
  using Piece = std::shared_ptr<const std::string>;  // viewers may share one piece

  enum class Next { Piece, Nothing, End };
  struct Pulled {
    Next next = Next::Nothing;
    Piece piece = nullptr;  // for Next::Piece: not null, not empty
  };

  virtual ~StreamSource() = default;

  // Returns the next piece; Nothing if there is none at present, in which case the source calls `wake` when there is
  // one; or End, which closes the connection. Must not block.
  virtual Pulled pull() = 0;

  // Sets the callback that announces more pieces. Called once, before the first pull(). The source may call `wake` at
  // any time until it is destroyed, on the HTTP thread.
  virtual void on_more(std::function<void()> wake) = 0;
};

struct Stream {
  std::string content_type;
  std::unique_ptr<StreamSource> source;
};

struct HeadOptions {
  bool keep_alive = false;
  std::chrono::system_clock::time_point now;  // for the Date line
};

// The status line and header lines, including the empty line after them; among them the lines that tell browsers what
// they may do with the response. A response has a Content-Length. A stream has none: its end is the end of the
// connection.
[[nodiscard]] std::string head_of(const Response& response, const HeadOptions& options);
[[nodiscard]] std::string head_of(const Stream& stream, const HeadOptions& options);

}  // namespace herd::node::http

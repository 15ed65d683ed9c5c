// What a page answers, and the bytes of its head. Values; any thread.
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

struct Response {
  int status = 200;
  std::string content_type{kPlainText};
  std::string body;
  std::vector<Header> headers = {};  // further ones, such as Allow
};

// A response of plain text with one line.
[[nodiscard]] Response text_response(int status, std::string_view line);

// The source of a response without an end, such as server-sent events: the connection pulls a piece when the client has
// taken the one before, so that a slow client costs one piece at most. HTTP thread only.
class StreamSource {
 public:
  using Piece = std::shared_ptr<const std::string>;  // shared by all viewers that are sent it

  enum class Next { Piece, Nothing, End };
  struct Pulled {
    Next next = Next::Nothing;
    Piece piece = nullptr;  // not empty, for Next::Piece
  };

  virtual ~StreamSource() = default;

  // After Nothing, `wake` of on_more() is called when there is more. After End the connection is closed.
  virtual Pulled pull() = 0;

  // Called once, before the first pull(). `wake` may be called at any time until the source is destroyed.
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

// The status line and header lines of a response with a Content-Length, or of a stream, which ends with its connection.
[[nodiscard]] std::string head_of(const Response& response, const HeadOptions& options);
[[nodiscard]] std::string head_of(const Stream& stream, const HeadOptions& options);

}  // namespace herd::node::http

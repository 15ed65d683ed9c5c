// What a request of the API asks, as a value: the commands of protocol/query.hpp, or a map. It goes from the HTTP
// thread, which makes it, to the loop thread, which answers it. docs/HTTP.md has the parameters. Pure; one thread at a
// time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "node/api/parameters.hpp"
#include "node/api/viewer.hpp"
#include "node/config/token_table.hpp"
#include "node/http/request.hpp"
#include "protocol/query.hpp"
#include "protocol/result.hpp"

namespace herd::node::api {

// The clients in a box as a picture, or those that changed since a place in the feed.
struct MapAsked {
  protocol::Box box;
  std::optional<protocol::ResumeFrom> since;
};

// Lines about clients if the request does not say `max`.
inline constexpr int kDefaultMax = 100;

// An event stream without another event for this time sends a TICK, so that proxies keep it open. If the request does
// not say `beat`.
inline constexpr protocol::Nanoseconds kDefaultBeat = std::chrono::seconds(15);

struct Question {
  using Asked =
      std::variant<protocol::Whereis, protocol::Near, protocol::Within, protocol::Count, MapAsked, protocol::Watch>;

  Question(std::string_view query, std::span<const std::string_view> allowed) : parameters(query, allowed) {}

  Parameters parameters;  // what the texts of `asked` are views of
  std::string client;     // ... of WHEREIS
  Asked asked;
  std::shared_ptr<const Token> token;  // limits the answer; nullptr: no token is needed
  ViewerKey viewer = 0;                // of a Watch: the stream that its events go to
  EventSink events;
};
using QuestionPtr = std::unique_ptr<Question>;

// Each reads the request of one page. The Error is a sentence for the client, for status 400.
[[nodiscard]] protocol::Result<QuestionPtr> ask_where(const http::Request& request);  // of the path /v1/where/<client>
[[nodiscard]] protocol::Result<QuestionPtr> ask_near(const http::Request& request);
[[nodiscard]] protocol::Result<QuestionPtr> ask_within(const http::Request& request);
[[nodiscard]] protocol::Result<QuestionPtr> ask_count(const http::Request& request);
[[nodiscard]] protocol::Result<QuestionPtr> ask_map(const http::Request& request);
// `Last-Event-ID`, which a browser sends when it connects again, counts more than `since`.
[[nodiscard]] protocol::Result<QuestionPtr> ask_watch(const http::Request& request);

inline constexpr std::string_view kWherePath = "/v1/where/";

// The tag of the watch of an event stream, which has only one.
inline constexpr std::string_view kWatchTag = "http";

}  // namespace herd::node::api

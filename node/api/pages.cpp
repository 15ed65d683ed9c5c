#include "node/api/pages.hpp"

#include <string>
#include <utility>

#include "node/api/answer_json.hpp"
#include "node/base/loop_clock.hpp"
#include "protocol/unreachable.hpp"

extern const char herd_openapi_begin[];  // NOLINT(readability-identifier-naming): openapi_data.S
extern const char herd_openapi_end[];    // NOLINT(readability-identifier-naming)

namespace herd::node::api {
namespace {

using http::Request;
using http::Responder;
using http::Response;

// Whether the client wants GeoJSON: the media type is named in its Accept line.
Format format_of(const Request& request) {
  const std::string* accept = request.header("accept");
  const bool is_geo = accept != nullptr && accept->find("application/geo+json") != std::string::npos;
  return is_geo ? Format::GeoJson : Format::Json;
}

// The response to a question that the loop has not answered.
Response refusal_of(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::Unknown:
      return http::problem_response(404, answer.reason);
    case Answer::Kind::Refused:
      return http::problem_response(400, answer.reason);
    case Answer::Kind::Unavailable:
      return http::retry_later(503, answer.reason);
    case Answer::Kind::Given:
      break;
  }
  protocol::unreachable();
}

// One page that asks the loop.
struct Page {
  protocol::Result<QuestionPtr> (*ask)(const Request& request);
  Response (*show)(std::string&& answer, Format format);
};

constexpr Page kWhere{ask_where, [](std::string&& answer, Format format) {
                        return Response{200, std::string(content_type_of(format)), where_json(answer, format)};
                      }};
constexpr Page kNear{
    ask_near, [](std::string&& answer, Format format) {
      return Response{200, std::string(content_type_of(format)), list_json(answer, Centre::Possible, format)};
    }};
constexpr Page kWithin{
    ask_within, [](std::string&& answer, Format format) {
      return Response{200, std::string(content_type_of(format)), list_json(answer, Centre::None, format)};
    }};
constexpr Page kCount{ask_count, [](std::string&& answer, Format /*format*/) {
                        return Response{200, "application/json", count_json(answer)};
                      }};
constexpr Page kMap{ask_map, [](std::string&& answer, Format /*format*/) {
                      return Response{200, "application/octet-stream", std::move(answer)};
                    }};

class Desk {
 public:
  Desk(std::shared_ptr<QuestionQueue> questions, std::shared_ptr<const http::TokenGuard> guard)
      : questions_(std::move(questions)), guard_(std::move(guard)) {}

  [[nodiscard]] http::Router::Page page(const Page& page) const {
    return [desk = *this, page](const Request& request, const Responder& responder) {
      desk.answer(page, request, responder);
    };
  }
  [[nodiscard]] http::Router::Page stream() const {
    return [desk = *this](const Request& request, const Responder& responder) { desk.watch(request, responder); };
  }

 private:
  void answer(const Page& page, const Request& request, const Responder& responder) const {
    auto question = page.ask(request);
    if (!question) return responder.send(http::problem_response(400, question.error().message));
    if (!set_token(**question, request, responder)) return;
    if (const auto& token = (*question)->token; token != nullptr && token->level == TokenLevel::Events) {
      return responder.send(http::problem_response(
          403, "this token has level=events, which permits no queries: use /v1/watch, or another token"));
    }
    const auto read = [page, responder, format = format_of(request)](Answer answer) {
      const bool is_given = answer.kind == Answer::Kind::Given;
      responder.send(is_given ? page.show(std::move(answer.text), format) : refusal_of(answer));
    };
    if (!questions_->ask(std::move(*question), read)) {
      responder.send(http::retry_later(503, "too many questions are under way: ask again in a second"));
    }
  }

  // Returns false, and answers, if the token has expired since the guard has accepted it.
  bool set_token(Question& question, const Request& request, const Responder& responder) const {
    question.token = guard_->token_of(request, read_clocks());
    if (question.token != nullptr || !guard_->api_needs_token()) return true;
    responder.send(http::problem_response(401, "this token has expired: use another one"));
    return false;
  }

  void watch(const Request& request, const Responder& responder) const {
    auto question = ask_watch(request);
    if (!question) return responder.send(http::problem_response(400, question.error().message));
    if (!set_token(**question, request, responder)) return;
    questions_->watch(std::move(*question), [responder](std::unique_ptr<EventStream> stream, const Answer& refusal) {
      if (stream == nullptr) return responder.send(refusal_of(refusal));
      responder.stream({"text/event-stream", std::move(stream)});
    });
  }

  std::shared_ptr<QuestionQueue> questions_;
  std::shared_ptr<const http::TokenGuard> guard_;
};

}  // namespace

void add_pages(http::Router& router, const std::shared_ptr<QuestionQueue>& questions,
               const std::shared_ptr<const http::TokenGuard>& guard) {
  const Desk desk(questions, guard);
  router.add("GET", std::string(kWherePath) + "*", desk.page(kWhere));
  router.add("GET", "/v1/near", desk.page(kNear));
  router.add("GET", "/v1/within", desk.page(kWithin));
  router.add("GET", "/v1/count", desk.page(kCount));
  router.add("GET", "/v1/map", desk.page(kMap));
  router.add("GET", "/v1/watch", desk.stream());
  router.add("GET", "/v1/openapi.json", [](const Request& /*request*/, const Responder& responder) {
    responder.send({200, "application/json", std::string(herd_openapi_begin, herd_openapi_end)});
  });
}

}  // namespace herd::node::api

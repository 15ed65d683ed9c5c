#include "node/api/phone_pages.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "node/api/osmand.hpp"
#include "node/api/owntracks.hpp"
#include "node/api/phone_client.hpp"
#include "node/base/limits.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/rate_limit.hpp"
#include "node/http/phone_paths.hpp"
#include "node/http/target.hpp"
#include "protocol/clock.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::api {
namespace {

using http::problem_response;
using http::Request;
using http::Responder;
using http::Response;
using http::retry_later;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kDroppedHeader = "Herd-Dropped";

// The media type in lower case, without parameters; empty if there is none.
std::string media_type(const Request& request) {
  const std::string* line = request.header("content-type");
  if (line == nullptr) return {};
  std::string type = line->substr(0, line->find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; });
  return type;
}

// What the app expects when its message is taken.
Response taken(PhoneApp app, std::string_view dropped) {
  Response response = app == PhoneApp::OwnTracks ? Response{200, std::string(kJson), "[]\n"}
                                                 : Response{200, std::string(http::kPlainText), "ok\n"};
  if (!dropped.empty()) response.headers.push_back({std::string(kDroppedHeader), std::string(dropped)});
  return response;
}

PhoneResult result_of(ReportOutcome outcome) {
  switch (outcome) {
    case ReportOutcome::Stored:
      return PhoneResult::Stored;
    case ReportOutcome::NotNewer:
      return PhoneResult::Old;
    case ReportOutcome::Duplicate:
      return PhoneResult::Duplicate;
    case ReportOutcome::NotAllowed:
      return PhoneResult::Refused;
    case ReportOutcome::Invalid:
      return PhoneResult::Invalid;
    case ReportOutcome::Future:
      return PhoneResult::Future;
    case ReportOutcome::Full:
      return PhoneResult::Later;
  }
  protocol::unreachable();
}

bool has(const ReportAnswer& answer, ReportOutcome outcome) {
  return std::find(answer.outcomes.begin(), answer.outcomes.end(), outcome) != answer.outcomes.end();
}

// The first part of a query or header, which may be missing.
std::string_view text_of(const Request& request, std::string_view header) {
  const std::string* value = request.header(header);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

// The parameter of a URL as OwnTracks' Recorder has it: `?u=user&d=device`.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!field.starts_with(name) || field.substr(name.size(), 1) != "=") continue;
    if (auto value = http::percent_decoded(field.substr(name.size() + 1))) return std::move(*value);
  }
  return {};
}

class Pages : public std::enable_shared_from_this<Pages> {
 public:
  explicit Pages(PhoneParts parts) : parts_(std::move(parts)) {}

  void owntracks(const Request& request, const Responder& responder) {
    const auto token = permitted(request, responder, PhoneApp::OwnTracks);
    if (!token) return;
    if (const std::string type = media_type(request); !type.empty() && type != kJson) {
      return refuse(PhoneApp::OwnTracks, {415, "OwnTracks sends the content type application/json"}, responder);
    }
    std::string user(text_of(request, "x-limit-u"));
    std::string device(text_of(request, "x-limit-d"));
    if (user.empty()) user = parameter(request.query, "u");
    if (device.empty()) device = parameter(request.query, "d");
    report(read_owntracks(request.body, {user, device}), *token, responder);
  }

  void osmand(const Request& request, const Responder& responder) {
    if (request.method == "HEAD") {
      auto response = problem_response(405, "HEAD is not answered here: send GET or POST");
      response.headers.push_back({"Allow", "GET, POST"});
      return responder.send(std::move(response));
    }
    const std::string type = media_type(request);
    // Some versions of Traccar Client call their JSON a form.
    const bool is_json = type == kJson || request.body.starts_with('{');
    const PhoneApp app = is_json ? PhoneApp::Traccar : PhoneApp::OsmAnd;
    const auto token = permitted(request, responder, app);
    if (!token) return;
    if (is_json) return report(read_traccar(request.body), *token, responder);
    if (!request.body.empty() && !type.empty() && type != kForm) {
      return refuse(app, {415, "the content type is neither application/json nor application/x-www-form-urlencoded"},
                    responder);
    }
    report(read_osmand({request.query, request.body}, read_clocks().wall), *token, responder);
  }

 private:
  using TokenPtr = std::shared_ptr<const Token>;

  // What a message asked for.
  struct Asked {
    PhoneApp app;
    std::size_t reports;               // given to the loop
    std::vector<PhoneResult> dropped;  // of the others
    std::string_view why_dropped;      // the first one's reason; empty: none was dropped
  };

  void count(PhoneApp app, PhoneResult result) { parts_.figures->phones.count(app, result); }

  void refuse(PhoneApp app, const PhoneRefusal& refusal, const Responder& responder) {
    count(app, PhoneResult::Refused);
    const protocol::Now at = read_clocks();
    if (warnings_.allows(at.steady)) {
      spdlog::warn("event=phone_refused app={} status={} reason=\"{}\" suppressed={}",
                   kPhoneApps[static_cast<std::size_t>(app)], refusal.status, refusal.reason,
                   warnings_.take_suppressed(at.steady));
    }
    responder.send(problem_response(refusal.status, refusal.reason));
  }

  // The token of a request that may report, nullptr if none is needed. nullopt: it may not, and is answered.
  std::optional<TokenPtr> permitted(const Request& request, const Responder& responder, PhoneApp app) {
    const bool needs_token = parts_.guard->api_needs_token();
    if (const char* why = why_from_browser(request, needs_token)) {
      refuse(app, {403, why}, responder);
      return std::nullopt;
    }
    if (!needs_token && !parts_.is_loopback) {
      refuse(app, {403, "reports to this address need tokens: set auth = \"token\" under [clients] or [http]"},
             responder);
      return std::nullopt;
    }
    TokenPtr token = parts_.guard->token_of(request, read_clocks());
    if (token != nullptr || !needs_token) return token;
    refuse(app, {401, "this token has expired: use another one"}, responder);
    return std::nullopt;
  }

  void report(const PhonePayload& payload, const TokenPtr& token, const Responder& responder) {
    const PhoneApp app = payload.app;
    if (payload.refusal) return refuse(app, *payload.refusal, responder);
    ReportRequest request{token, fmt::format("http:{}", kPhoneApps[static_cast<std::size_t>(app)]), {}};
    for (const PhoneReport& one : payload.reports) {
      const auto client = client_of(one.id, token.get());
      if (!client) return refuse(app, client.error(), responder);
      request.lines.push_back(fmt::format("IAMAT {} {} {}", *client, one.coordinates, one.time));
    }
    Asked asked{app, request.lines.size(), {}, log_dropped(payload)};
    for (const PhoneDropped& one : payload.dropped) asked.dropped.push_back(one.result);
    if (request.lines.empty()) return responder.send(accept(asked, asked.why_dropped));
    const std::size_t reports = asked.reports;
    const auto read = [self = shared_from_this(), asked = std::move(asked), responder](const ReportAnswer& answer) {
      responder.send(self->response_to(answer, asked));
    };
    if (parts_.queue->report(std::move(request), read)) return;
    for (std::size_t i = 0; i < reports; ++i) count(app, PhoneResult::Later);
    responder.send(retry_later(503, "too many reports are under way: send it again in a second"));
  }

  // Returns the reason why a part of the payload is no report; empty: there is none.
  std::string_view log_dropped(const PhonePayload& payload) {
    if (payload.dropped.empty()) return {};
    const PhoneDropped& first = payload.dropped.front();
    const protocol::Now at = read_clocks();
    if (first.result == PhoneResult::Invalid && warnings_.allows(at.steady)) {
      spdlog::warn("event=phone_report_dropped app={} reason=\"{}\" suppressed={}",
                   kPhoneApps[static_cast<std::size_t>(payload.app)], first.reason,
                   warnings_.take_suppressed(at.steady));
    }
    return first.reason;
  }

  // Answers a message that the app will not send again, so what was dropped of it is counted here, once.
  Response accept(const Asked& asked, std::string_view reason) {
    for (const PhoneResult result : asked.dropped) count(asked.app, result);
    return taken(asked.app, reason);
  }

  Response response_to(const ReportAnswer& answer, const Asked& asked) {
    const auto count_all = [&](PhoneResult result) {
      for (std::size_t i = 0; i < asked.reports; ++i) count(asked.app, result);
    };
    switch (answer.kind) {
      case ReportAnswer::Kind::Acknowledged:
        break;
      case ReportAnswer::Kind::Unacknowledged:
        count_all(PhoneResult::Later);
        return retry_later(503, "the report is not acknowledged in time: too few replicas, or the journal stalls");
      case ReportAnswer::Kind::Stopping:
        count_all(PhoneResult::Later);
        return retry_later(503, "the node stops", std::chrono::seconds(5));
      case ReportAnswer::Kind::Revoked:
        count_all(PhoneResult::Refused);
        return problem_response(401, "this token was revoked or has expired: use another one");
    }
    for (const ReportOutcome outcome : answer.outcomes) count(asked.app, result_of(outcome));
    if (has(answer, ReportOutcome::Full)) {
      return retry_later(503, "max_clients is reached, and this client is new", std::chrono::minutes(1));
    }
    if (has(answer, ReportOutcome::NotAllowed)) {
      return problem_response(403, "the token may not report this client: change `tell` of the token");
    }
    if (has(answer, ReportOutcome::Future)) {
      return accept(asked, "its time is further ahead of the node's clock than max_future allows");
    }
    return accept(asked, has(answer, ReportOutcome::Invalid) ? "a value is malformed" : asked.why_dropped);
  }

  PhoneParts parts_;
  RateLimit warnings_{{kWarningsPerSecond, kWarningsBurst}};
};

}  // namespace

const char* why_from_browser(const Request& request, bool has_token) {
  const std::string* site = request.header("sec-fetch-site");
  if (request.header("origin") != nullptr || (site != nullptr && *site != "none")) {
    return "a web page may not report: this page is for the apps in docs/PHONES.md";
  }
  if (has_token || (request.method == "POST" && media_type(request) == kJson)) return nullptr;
  return "without tokens only a POST with the content type application/json is taken, because a web page can send the "
         "others: set auth = \"token\" under [clients] or [http]";
}

void add_phone_pages(http::Router& router, const PhoneParts& parts) {
  const auto pages = std::make_shared<Pages>(parts);
  const auto osmand = [pages](const Request& request, const Responder& responder) {
    pages->osmand(request, responder);
  };
  router.add("GET", std::string(http::kOsmAndPath), osmand);
  router.add("POST", std::string(http::kOsmAndPath), osmand,
             {.body_bytes = http::kMaxPageBodyBytes, .needs_length = false});
  router.add("POST", std::string(http::kOwnTracksPath),
             [pages](const Request& request, const Responder& responder) { pages->owntracks(request, responder); },
             {.body_bytes = http::kMaxPageBodyBytes});
}

}  // namespace herd::node::api

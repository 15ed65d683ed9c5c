// The pages that apps of phones report to: /owntracks and /osmand. docs/PHONES.md describes them for users,
// docs/decisions/0049-phones.md gives the reasons. They read a payload, have the loop take its reports
// (node/api/phone_queue.hpp), and answer as the app needs it: 2xx means that the app may forget the message, any other
// status that it should keep it, because the node or a setting can change. So a message that can never be used is
// answered with 200 and counted. HTTP thread only.
#pragma once

#include <memory>

#include "node/api/phone_queue.hpp"
#include "node/http/router.hpp"
#include "node/http/token_guard.hpp"
#include "node/observe/http_figures.hpp"

namespace herd::node::api {

struct PhoneParts {
  std::shared_ptr<PhoneQueue> queue;
  std::shared_ptr<const http::TokenGuard> guard;  // gives the token of a request
  std::shared_ptr<http::Figures> figures;
  bool is_loopback = false;  // of the server's address
};
void add_phone_pages(http::Router& router, const PhoneParts& parts);

// The refusal of a request that a web page may have made a browser send; nullptr: none. Without a token only the
// content type application/json proves that no page of another site has sent it: for that, a browser asks the server
// first (Fetch standard, CORS-preflight), which this server refuses.
[[nodiscard]] const char* why_from_browser(const http::Request& request, bool has_token);

}  // namespace herd::node::api

// The pages of the HTTP API, below /v1/: docs/HTTP.md describes them. They read a request, have the loop answer it
// (node/api/question_queue.hpp), and write the answer as JSON. HTTP thread only.
#pragma once

#include <memory>

#include "node/api/question_queue.hpp"
#include "node/http/router.hpp"
#include "node/http/token_guard.hpp"

namespace herd::node::api {

// `guard`: gives the token of a request, which limits its answer.
void add_pages(http::Router& router, const std::shared_ptr<QuestionQueue>& questions,
               const std::shared_ptr<const http::TokenGuard>& guard);

}  // namespace herd::node::api

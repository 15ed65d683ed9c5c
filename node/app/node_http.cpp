// The part of node/app/node.hpp about the HTTP server and its tokens.
#include <asio/post.hpp>
#include <utility>

#include "node/api/pages.hpp"
#include "node/api/phone_pages.hpp"
#include "node/api/question_queue.hpp"
#include "node/app/descriptor_limit.hpp"
#include "node/app/node.hpp"

namespace herd::node {

using protocol::Result;

// Handlers that the HTTP server's thread posts to the loop find all parts: the loop runs none before the node is open,
// and destroys the server after its last iteration.
Result<void> Node::open_http() {
  const auto ask_loop = [this] {
    asio::post(io_, [this] { http_->publish(std::make_shared<const Status>(status())); });
  };
  const api::LoopCalls loop{
      .answer =
          [this](api::QuestionPtr question, api::Done done) {
            asio::post(io_, [this, question = std::move(question), done = std::move(done)]() mutable {
              answerer_->answer(std::move(question), std::move(done));
            });
          },
      .tell = [this](
                  api::ViewerKey viewer,
                  api::ViewerNews news) { asio::post(io_, [this, viewer, news] { viewers_->hear(viewer, news); }); }};
  const api::ReportCall report = [this](ReportRequest request, Reports::Done done) {
    asio::post(io_, [this, request = std::move(request), done = std::move(done)]() mutable {
      front_end_->reports().take(request, std::move(done));
    });
  };
  const Address& address = config_.find(name_)->http;
  const auto add_pages = [&](http::Router& router, const HttpServer::Shared& shared) {
    api::add_pages(router, std::make_shared<api::QuestionQueue>(shared.io, loop), shared.guard);
    api::add_phone_pages(router, {std::make_shared<api::PhoneQueue>(shared.io, report), shared.guard, shared.figures,
                                  is_loopback(address)});
  };
  auto http = HttpServer::start(address, ask_loop, http_limits({raise_descriptor_limit(), replica_.peers().size()}),
                                {http_tokens(start_tokens_), config_.http.tls_context}, add_pages);
  if (!http) return tl::unexpected(http.error());
  http_ = std::move(*http);
  return {};
}

// One table for the clients and for the pages, of which each may need no token.
void Node::use_tokens(const std::shared_ptr<const TokenTable>& tokens) {
  front_end_->use_tokens(config_.clients.auth == Authentication::Token ? tokens : nullptr);
  if (!http_) return;
  http_->use_tokens(http_tokens(tokens));
  viewers_->use_tokens(http_tokens(tokens).api);
}

// The API names clients, so it needs a token also where only the clients' port does.
http::TokenGuard::Tables Node::http_tokens(const std::shared_ptr<const TokenTable>& tokens) const {
  const bool for_pages = config_.http.auth == Authentication::Token;
  const bool for_api = for_pages || config_.clients.auth == Authentication::Token;
  return {for_pages ? tokens : nullptr, for_api ? tokens : nullptr};
}

}  // namespace herd::node

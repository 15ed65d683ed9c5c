#include "node/http/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/http/connection.hpp"

namespace herd::node::http {
namespace {

// "a, b and c"
std::string in_words(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

Response not_allowed(const std::vector<std::string>& methods) {
  auto response =
      text_response(405, fmt::format("this method is not answered here: use {}", fmt::join(methods, " or ")));
  response.headers.push_back({"Allow", fmt::format("{}", fmt::join(methods, ", "))});
  return response;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether the path of a route is that of a request.
bool matches(std::string_view route, std::string_view path) {
  if (!route.ends_with("/*")) return route == path;
  route.remove_suffix(1);
  return path.size() > route.size() && path.starts_with(route);
}

}  // namespace

void Responder::send(Response response) const {
  if (const auto connection = connection_.lock()) connection->answer(request_, std::move(response));
}

void Responder::stream(Stream stream) const {
  if (const auto connection = connection_.lock()) connection->stream(request_, std::move(stream));
}

void Router::add(std::string method, std::string path, Page page, const Options& options) {
  routes_.push_back({std::move(method), std::move(path), std::move(page), options});
}

Router::Found Router::find(const Request& request, const asio::ip::address& from) const {
  if (guard_) {
    if (auto refusal = guard_(request, from)) return {nullptr, std::move(refusal)};
  }
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.method == method && matches(route.path, request.path);
  });
  const Options options = found == routes_.end() ? Options{} : found->options;
  if (request.content_length.value_or(0) > options.body_bytes) {
    return {nullptr, text_response(413, fmt::format("the body has more than {} bytes", options.body_bytes))};
  }
  const auto all = methods_of(std::nullopt);
  if (!contains(all, request.method)) return {nullptr, not_allowed(all)};
  const auto methods = methods_of(request.path);
  if (methods.empty()) return {nullptr, not_found()};
  if (!contains(methods, request.method)) return {nullptr, not_allowed(methods)};
  if (method == "POST" && !request.content_length && options.needs_length) {
    return {nullptr, text_response(411, "a POST needs a Content-Length line")};
  }
  return {&found->page, std::nullopt};
}

// The methods of one path, or of all paths (nullopt), each once.
std::vector<std::string> Router::methods_of(std::optional<std::string_view> path) const {
  std::vector<std::string> methods;
  const auto add = [&methods](const std::string& method) {
    if (!contains(methods, method)) methods.push_back(method);
  };
  for (const Route& route : routes_) {
    if (path && !matches(route.path, *path)) continue;
    add(route.method);
    if (route.method == "GET") add("HEAD");
  }
  return methods;
}

Response Router::not_found() const {
  std::vector<std::string> paths;
  for (const Route& route : routes_) {
    if (!contains(paths, route.path)) paths.push_back(route.path);
  }
  return text_response(404, fmt::format("no such path; there are {}", in_words(paths)));
}

}  // namespace herd::node::http

#include "node/http/page_files.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

// The symbols that node/http/page_data.S.in defines, and `kFiles`, an array of PageFile. Made by CMake.
#include "page_table.inc"

namespace herd::node::http {

std::span<const PageFile> page_files() {
  return kFiles;
}

std::string_view content_type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypes{{
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {"/", "text/html; charset=utf-8"},
  }};
  for (const auto& [end, type] : kTypes) {
    if (path.ends_with(end)) return type;
  }
  return kPlainText;
}

bool is_page_path(std::string_view path) {
  return path == "/" || path.starts_with("/page/");
}

void add_page_files(Router& router) {
  const auto answer = [](const Request& request, const Responder& responder) {
    const auto found =
        std::find_if(kFiles.begin(), kFiles.end(), [&](const PageFile& file) { return file.path == request.path; });
    if (found == kFiles.end()) return responder.send(text_response(404, "the dashboard has no such file"));
    Response response{200, std::string(content_type_of(found->path)), std::string(found->bytes)};
    response.policy = ContentPolicy::Dashboard;
    responder.send(std::move(response));
  };
  router.add("GET", "/", answer);
  router.add("GET", "/page/*", answer);
}

}  // namespace herd::node::http

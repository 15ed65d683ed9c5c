// The files of the dashboard, which CMake embeds into the program (node/http/page/): a node serves them from memory,
// so the page works without a network, a folder or a configuration. Constants; any thread.
#pragma once

#include <span>
#include <string_view>

#include "node/http/router.hpp"

namespace herd::node::http {

struct PageFile {
  std::string_view path;  // of a request: "/" for index.html, "/page/NAME" for all others
  std::string_view bytes;
};

// All files, valid as long as the program runs.
[[nodiscard]] std::span<const PageFile> page_files();

// The content type by the end of the name. A name without a known end, such as a licence, is plain text.
[[nodiscard]] std::string_view content_type_of(std::string_view path);

// Whether the path is the dashboard's: such a request needs no token, because the page itself asks for one and contains
// nothing of the herd.
[[nodiscard]] bool is_page_path(std::string_view path);

// Adds `/` and `/page/*`. A path below /page/ that no file has is answered with 404.
void add_page_files(Router& router);

}  // namespace herd::node::http

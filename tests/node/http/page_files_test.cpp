#include "node/http/page_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(HERD_SOURCE_DIR) / "node/http/page";

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("every file of the dashboard's folder is embedded, byte by byte") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string name = std::filesystem::relative(entry.path(), kFolder).string();
    const std::string path = name == "index.html" ? "/" : "/page/" + name;
    INFO(path);
    const auto all = page_files();
    const auto found = std::find_if(all.begin(), all.end(), [&](const PageFile& file) { return file.path == path; });
    REQUIRE(found != all.end());
    CHECK(found->bytes == read(entry.path()));
  }
  CHECK(files == page_files().size());
}

TEST_CASE("a file's content type is that of its name") {
  CHECK(content_type_of("/") == "text/html; charset=utf-8");
  CHECK(content_type_of("/page/app.js") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("/page/style.css") == "text/css; charset=utf-8");
  CHECK(content_type_of("/page/vendor/world.json") == "application/json");
  CHECK(content_type_of("/page/icon.svg") == "image/svg+xml");
  CHECK(content_type_of("/page/vendor/LICENSE-uplot") == kPlainText);
}

TEST_CASE("only the dashboard's paths need no token") {
  CHECK(is_page_path("/"));
  CHECK(is_page_path("/page/app.js"));
  CHECK_FALSE(is_page_path("/page"));
  CHECK_FALSE(is_page_path("/pages/app.js"));
  CHECK_FALSE(is_page_path("/status.json"));
  CHECK_FALSE(is_page_path(""));
}

TEST_CASE("the dashboard has no inline script or style, and names no other host") {
  for (const PageFile& file : page_files()) {
    if (file.path.find("/vendor/") != std::string_view::npos) continue;
    INFO(file.path);
    CHECK(file.bytes.find("innerHTML") == std::string_view::npos);
    CHECK(file.bytes.find("https://") == std::string_view::npos);
    CHECK(file.bytes.find(" style=\"") == std::string_view::npos);
    CHECK(file.bytes.find(" onclick=") == std::string_view::npos);
  }
}

}  // namespace
}  // namespace herd::node::http

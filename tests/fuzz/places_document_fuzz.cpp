// The documents of the embedded places. A table of any bytes is refused with an error, or all its rows can be found,
// and the document is bounded JSON without an empty line. So is a document with an error message of any bytes.
#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/places/document.hpp"
#include "node/places/place_index.hpp"
#include "node/places/place_list.hpp"
#include "node/places/place_table.hpp"
#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

using namespace herd::node::places;

namespace {

constexpr int kMax = herd::protocol::kMaxPlaces;
constexpr double kRadiusKm = 50;

nlohmann::json check_document(const std::string& document) {
  HERD_ASSERT(document.find("\n\n") == std::string::npos && !document.ends_with('\n'));
  auto json = nlohmann::json::parse(document);
  HERD_ASSERT(json.at("status").is_string() && json.at("html_attributions").is_array());
  return json;
}

void check_found(const PlaceIndex& index, const herd::protocol::Position& centre) {
  const std::vector<Hit> hits = index.search(centre, kRadiusKm, kMax);
  HERD_ASSERT(hits.size() <= static_cast<std::size_t>(kMax));
  const auto document = check_document(document_of(index, hits));
  HERD_ASSERT(document.at("results").size() == hits.size());
  for (const auto& result : document.at("results")) {
    const auto& location = result.at("geometry").at("location");
    HERD_ASSERT(distance_km({centre, {location.at("lat"), location.at("lng")}}) <= kRadiusKm + 0.01);
  }
}

void check_table(std::string_view text) {
  std::vector<PlaceRow> rows;
  const auto read = read_place_table(text, [&](const PlaceRow& row) {
    rows.push_back(row);
    return true;
  });
  std::vector<std::byte> compressed(ZSTD_compressBound(text.size()));
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), text.data(), text.size(), 1));
  const auto index = PlaceIndex::load(compressed);
  if (!read) {
    HERD_ASSERT(!index && !read.error().message.empty());
    return;
  }
  if (!index) return;  // the table has no rows
  HERD_ASSERT(rows.size() == *read && index->size() == rows.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 8); ++i) check_found(*index, rows[i].position);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_table(text);
  std::string document = empty_document(Status::UnknownError, text);
  const auto plain = check_document(document);
  HERD_ASSERT(plain.contains("error_message") == !text.empty());
  const std::vector<std::string> messages{std::string(text.substr(0, size / 2)), std::string(text.substr(size / 2))};
  add_info_messages(document, messages);
  HERD_ASSERT(check_document(document).at("info_messages").size() == messages.size());
  return 0;
}

// A small table of places for tests, compressed like the embedded one.
#pragma once

#include <zstd.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "node/places/place_index.hpp"

namespace herd::node::places::testing {

inline std::vector<std::byte> compress(std::string_view text) {
  std::vector<std::byte> packed(ZSTD_compressBound(text.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  return packed;
}

inline std::string table_of(std::string_view rows) {
  return "id\tname\tlatitude\tlongitude\tkind\tcountry\tarea\tpopulation\n" + std::string(rows);
}

inline PlaceIndex index_of(std::string_view rows) {
  auto index = PlaceIndex::load(compress(table_of(rows)));
  if (!index) {
    throw std::runtime_error(index.error().message);
  }
  return std::move(*index);
}

}  // namespace herd::node::places::testing

#include "node/places/place_table.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace herd::node::places {
namespace {

constexpr std::string_view kHeader = "id\tname\tlatitude\tlongitude\tkind\tcountry\tarea\tpopulation";
constexpr std::size_t kColumns = 8;
constexpr std::size_t kMaxTextBytes = 255;  // the index stores lengths in one byte

using Cells = std::array<std::string_view, kColumns>;

std::string_view cut(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return head;
}

std::optional<Cells> cells_of(std::string_view line) {
  Cells cells;
  for (std::size_t column = 0; column + 1 < kColumns; ++column) {
    if (line.find('\t') == std::string_view::npos) {
      return std::nullopt;
    }
    cells[column] = cut(line, '\t');
  }
  cells.back() = line;
  return line.find('\t') == std::string_view::npos ? std::optional(cells) : std::nullopt;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<double> degrees(std::string_view text, double limit) {
  const auto value = number<double>(text);
  return value && *value >= -limit && *value <= limit ? value : std::nullopt;
}

std::optional<Kind> kind_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds{{{"capital", Kind::Capital},
                                                                     {"seat", Kind::Seat},
                                                                     {"town", Kind::Town},
                                                                     {"quarter", Kind::Quarter},
                                                                     {"port", Kind::Port}}};
  for (const auto& [name, kind] : kKinds) {
    if (text == name) {
      return kind;
    }
  }
  return std::nullopt;
}

bool fits(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTextBytes;
}

std::optional<PlaceRow> row_of(std::string_view line) {
  const auto cells = cells_of(line);
  if (!cells) {
    return std::nullopt;
  }
  const auto& [id, name, latitude_text, longitude_text, kind_text, country, area, population_text] = *cells;
  const auto latitude = degrees(latitude_text, 90);
  const auto longitude = degrees(longitude_text, 180);
  const auto kind = kind_of(kind_text);
  const auto population = number<std::uint32_t>(population_text);
  if (!fits(id) || !fits(name) || area.size() > kMaxTextBytes || !latitude || !longitude || !kind || !population) {
    return std::nullopt;
  }
  return PlaceRow{.id = id,
                  .name = name,
                  .position = {*latitude, *longitude},
                  .kind = *kind,
                  .area = area,
                  .population = *population};
}

}  // namespace

protocol::Result<std::size_t> read_place_table(std::string_view table,
                                               const std::function<bool(const PlaceRow&)>& take) {
  if (cut(table, '\n') != kHeader) {
    return protocol::fail("the table of places does not begin with its header");
  }
  std::size_t rows = 0;
  while (!table.empty()) {
    const auto row = row_of(cut(table, '\n'));
    if (!row) {
      return protocol::fail(fmt::format("row {} of the table of places is invalid", rows + 1));
    }
    if (!take(*row)) return rows;
    ++rows;
  }
  return rows;
}

}  // namespace herd::node::places

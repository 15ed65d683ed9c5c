#include "node/api/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/http/target.hpp"
#include "protocol/bytes.hpp"

namespace herd::node::api {

Parameters::Parameters(std::string_view query, std::span<const std::string_view> allowed) {
  while (!query.empty() && !problem_) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (end > 0) add(query.substr(0, end), allowed);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

// A field is `name=value`; without `=` the value is empty.
void Parameters::add(std::string_view field, std::span<const std::string_view> allowed) {
  const std::size_t end = std::min(field.find('='), field.size());
  auto name = http::percent_decoded(field.substr(0, end));
  if (!name) return refuse(name.error().message);
  auto value = http::percent_decoded(field.substr(std::min(end + 1, field.size())));
  if (!value) return refuse(value.error().message);
  Parameter parameter{std::move(*name), std::move(*value)};
  if (std::find(allowed.begin(), allowed.end(), parameter.name) == allowed.end()) {
    return refuse(fmt::format("a parameter is unknown: this page has {}", fmt::join(allowed, ", ")));
  }
  if (has(parameter.name)) return refuse(parameter.name + " is given twice: remove one");
  if (protocol::text_length(parameter.value) < parameter.value.size()) {
    return refuse(parameter.name + " contains a blank, a control byte or FF, which no value contains: remove it");
  }
  all_.push_back(std::move(parameter));
}

std::optional<std::string_view> Parameters::text(std::string_view name) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Parameter& each) { return each.name == name; });
  if (found == all_.end()) return std::nullopt;
  return found->value;
}

}  // namespace herd::node::api

// The parameters of a request's target: `?client=kiwi&km=10`. Names and values are percent-decoded. A `+` stays a `+`,
// because coordinates begin with one. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/parsed.hpp"
#include "protocol/result.hpp"

namespace herd::node::api {

// The parameters of a target, each at most once. Neither copied nor moved: commands have views into the texts.
class Parameters {
 public:
  // `query`: as http::Request::query, which has a valid percent-encoding. `allowed`: the names that the page has.
  Parameters(std::string_view query, std::span<const std::string_view> allowed);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  [[nodiscard]] bool has(std::string_view name) const { return text(name).has_value(); }
  // The value; nullopt if the parameter is not given.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;

  // The value of a parameter as `parse` reads it; without one, `otherwise`. After a mistake the result has no meaning.
  template <typename T>
  T value(std::string_view name, protocol::Parsed<T> (*parse)(std::string_view text), T otherwise = {}) {
    const auto given = text(name);
    if (!given || problem_) return otherwise;
    const auto parsed = parse(*given);
    if (parsed) return *parsed;
    refuse(std::string(name) + ": " + std::string(parsed.error()));
    return otherwise;
  }
  // The same of a parameter that must be given.
  template <typename T>
  T required(std::string_view name, protocol::Parsed<T> (*parse)(std::string_view text)) {
    if (!has(name)) refuse("the parameter " + std::string(name) + " is missing: add it");
    return value(name, parse);
  }

  // The first mistake is the problem.
  void refuse(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  // What is wrong and what to do; nullopt: nothing so far.
  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

 private:
  struct Parameter {
    std::string name;
    std::string value;
  };

  void add(std::string_view field, std::span<const std::string_view> allowed);

  std::vector<Parameter> all_;  // does not change after the construction
  std::optional<std::string> problem_;
};

}  // namespace herd::node::api

// Writes the JSON document that follows the AT line of a WHATSAT. It has the form of a Google Places Nearby Search
// (legacy) answer, so that programs written for Google can read it. Fields without a known value are omitted. One
// result per line, no newline at the end. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "node/places/place_index.hpp"

namespace herd::node::places {

// The statuses of Google's nearby search.
enum class Status : std::uint8_t {
  Ok,
  ZeroResults,
  OverQueryLimit,
  RequestDenied,
  InvalidRequest,
  UnknownError,
};
inline constexpr std::size_t kStatuses = 6;

[[nodiscard]] std::string_view to_text(Status status);  // "ZERO_RESULTS"

// Whether the status is an answer. Every other status is a failure, after which another provider may have an answer.
[[nodiscard]] inline bool is_answer(Status status) {
  return status == Status::Ok || status == Status::ZeroResults;
}

// Returns a document without results. `error_message` tells a person what to do; an empty one is omitted, and invalid
// UTF-8 in it becomes U+FFFD.
[[nodiscard]] std::string empty_document(Status status, std::string_view error_message = {});

// Returns a document with status OK. `results` are JSON objects, one per line ("\n" before the first, ",\n" between
// them). `attributions` are HTML that must be shown with them.
[[nodiscard]] std::string results_document(std::string_view results, std::span<const std::string_view> attributions);

// Adds the list `info_messages`, for a person, to a document made by this file that does not have it yet. An empty list
// is omitted.
void add_info_messages(std::string& document, std::span<const std::string> messages);

// Returns the document of the hits, in their order: status OK, or ZERO_RESULTS if there are none. Attributes GeoNames,
// as its licence requires.
[[nodiscard]] std::string document_of(const PlaceIndex& index, std::span<const Hit> hits);

}  // namespace herd::node::places

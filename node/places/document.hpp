// The JSON document that follows the AT line of a WHATSAT: the shape of a Google Places Nearby Search (legacy) answer,
// so that what was written for Google reads it. Only what is known stands in it. One result a line, no newline at the
// end. Pure: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "node/places/place_index.hpp"

namespace herd::node::places {

// Google's own statuses of a nearby search.
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

// An answer, as opposed to a failure that another provider may make good.
[[nodiscard]] inline bool is_answer(Status status) {
  return status == Status::Ok || status == Status::ZeroResults;
}

// No results. `error_message` (left out where it is empty) is for a person and says what to do; invalid UTF-8 in it
// becomes U+FFFD.
[[nodiscard]] std::string empty_document(Status status, std::string_view error_message = {});

// OK: results, each on a line of its own (",\n" between them, "\n" before the first), and what is to be shown with
// them.
[[nodiscard]] std::string results_document(std::string_view results, std::span<const std::string_view> attributions);

// Adds what else a person may want to know of the answer to a document made here that has no such list yet.
void add_info_messages(std::string& document, std::span<const std::string> messages);

// The hits in their order: OK, or ZERO_RESULTS where there are none. GeoNames is attributed as its licence asks.
[[nodiscard]] std::string document_of(const PlaceIndex& index, std::span<const Hit> hits);

}  // namespace herd::node::places

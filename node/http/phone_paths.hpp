// The pages that apps of phones report to: docs/PHONES.md. Their requests change records, so they need more care than
// those of the other pages. Pure; any thread.
#pragma once

#include <string_view>

namespace herd::node::http {

inline constexpr std::string_view kOwnTracksPath = "/owntracks";
inline constexpr std::string_view kOsmAndPath = "/osmand";

[[nodiscard]] inline bool is_phone_path(std::string_view path) {
  return path == kOwnTracksPath || path == kOsmAndPath;
}

}  // namespace herd::node::http

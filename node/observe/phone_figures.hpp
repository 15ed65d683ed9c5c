// What became of the reports of phones over HTTP, since the start of the node. HTTP thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herd::node {

enum class PhoneApp : std::uint8_t { OwnTracks, OsmAnd, Traccar };
inline constexpr std::array<std::string_view, 3> kPhoneApps{"owntracks", "osmand", "traccar"};

enum class PhoneResult : std::uint8_t {
  Stored,
  Old,         // not newer than the record
  Duplicate,   // the record itself
  Ignored,     // a message that is no location
  NoPosition,  // without coordinates
  Invalid,     // malformed or out of range
  Future,      // further ahead than `max_future`
  Refused,     // by the token, or a setting of the phone is wrong
  Later,       // a limit of the node, or not acknowledged in time: the phone sends it again
};
inline constexpr std::array<std::string_view, 9> kPhoneResults{
    "stored", "old", "duplicate", "ignored", "no_position", "invalid", "future", "refused", "later"};

class PhoneFigures {
 public:
  void count(PhoneApp app, PhoneResult result) {
    ++counts_[static_cast<std::size_t>(app)][static_cast<std::size_t>(result)];
  }
  // Positions in kPhoneApps and kPhoneResults.
  [[nodiscard]] std::uint64_t of(std::size_t app, std::size_t result) const { return counts_[app][result]; }

 private:
  std::array<std::array<std::uint64_t, kPhoneResults.size()>, kPhoneApps.size()> counts_{};
};

}  // namespace herd::node

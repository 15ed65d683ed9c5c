// The checksum, the last frame of every message between nodes. A message with a wrong one was damaged on its way, and
// is dropped as if it had been lost. TCP's own checksum has only 16 bits and lets one damaged segment in 65,536 pass. A
// flipped bit in a time could hide all later reports of a client, and one in a cursor could lose updates. The checksum
// is not a signature: an attacker can compute it. Pure; any thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace herd::bus {

using Checksum = std::array<char, 8>;

// XXH3 (64 bits) of the header; if there is a body, XXH3 of the body with the header's hash as the seed. Low byte
// first.
[[nodiscard]] Checksum checksum_of(std::string_view header, std::optional<std::string_view> body);

}  // namespace herd::bus

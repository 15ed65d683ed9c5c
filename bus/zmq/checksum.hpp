// The last frame of every message between nodes: eight bytes by which one that was damaged on its way is recognised and
// dropped, as if it had been lost. TCP's own checksum has 16 bits, and lets one damaged segment in 65,536 pass; a bit
// that is turned over in a time would hide all that a client says afterwards, and one in a cursor would lose updates.
// It is no signature: whoever wants to lie can compute it. Pure; any thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace herd::bus {

using Checksum = std::array<char, 8>;

// XXH3 (64 bits) of the header, and if there is a body, XXH3 of the body with that as its seed; low byte first.
[[nodiscard]] Checksum checksum_of(std::string_view header, std::optional<std::string_view> body);

}  // namespace herd::bus

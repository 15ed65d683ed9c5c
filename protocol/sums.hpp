// The second frame of a DIGEST: the sum of the hashes of each bucket's records, and a bit for each bucket of which
// nothing can be said now. docs/PROTOCOL.md has the grammar.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/limits.hpp"
#include "protocol/result.hpp"

namespace herd::protocol {

struct Sums {
  std::array<std::uint64_t, kBuckets> of{};  // modulo 2^64, by bucket
  std::bitset<kBuckets> unsettled;           // a change of the bucket is in flight: its sum must not be compared
};

[[nodiscard]] std::string encode_sums(const Sums& sums);

// Any bytes may be given. An array longer than expected is accepted (room to grow); everything else that is no frame of
// sums is an Error, and `into` is then of no use.
[[nodiscard]] Result<void> decode_sums(std::string_view frame, Sums& into);

}  // namespace herd::protocol

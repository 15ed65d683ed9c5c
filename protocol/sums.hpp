// The second frame of a DIGEST: for each bucket of the store, the sum of the hashes of its records, and a bit that is
// set if the sum must not be compared now. docs/PROTOCOL.md has the grammar. Pure; any thread.
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
  std::bitset<kBuckets> unsettled;           // a change of the bucket is in flight: do not compare its sum
};

[[nodiscard]] std::string encode_sums(const Sums& sums);

// Decodes any bytes. Accepts an array longer than expected, for later versions. Returns an Error for any other frame
// that does not contain the sums of kBuckets buckets; the content of `into` is then unspecified.
[[nodiscard]] Result<void> decode_sums(std::string_view frame, Sums& into);

}  // namespace herd::protocol

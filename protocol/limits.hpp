// The bounds of both protocols, each with its reason. The bounds on messages from peers are constants and cannot be
// configured: the stores of nodes with different bounds would diverge.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herd::protocol {

// Client lines.
inline constexpr std::size_t kMaxClientBytes = 255;    // the store has its length in one byte
inline constexpr std::size_t kMaxFractionDigits = 30;  // of a coordinate; a double has at most 17 significant digits
inline constexpr std::size_t kMaxCoordinatesBytes = 2 + 3 + 2 * (1 + 1 + kMaxFractionDigits) + 1;  // and a solidus
inline constexpr std::size_t kMaxTimeBytes = 10 + 1 + 9;        // POSIX seconds, point, nanoseconds
inline constexpr std::int64_t kTimeSecondsEnd = 9'223'372'036;  // from this second on, nanoseconds may overflow int64
inline constexpr int kMaxRadiusKm = 50;                         // Google's own bound for a nearby search
inline constexpr int kMaxPlaces = 20;                           // one page of Google's answer
inline constexpr std::size_t kDefaultMaxLineBytes = 1024;       // without the line end
inline constexpr std::size_t kTooLongEchoBytes = 64;            // bytes of a too long line in its reply

// Names of nodes and herds: [A-Za-z0-9_-]{1,63}.
inline constexpr std::size_t kMaxNameBytes = 63;
inline constexpr std::size_t kMaxNodes = 64;

// A bus address or host in a message, which is only shown to people: "tcp://", a DNS name of 253 bytes, a colon, a
// port.
inline constexpr std::size_t kMaxAddressBytes = 272;

// Bus messages. Every decoder must check them: msgpack itself accepts any size up to 2^32-1.
inline constexpr std::size_t kMaxBatchUpdates = 512;                   // default and ceiling of `max_batch`
inline constexpr std::size_t kMaxBatchBytes = std::size_t{64} * 1024;  // of a body frame; the sender stays below it
inline constexpr std::size_t kMaxUpdateBytes = 512;                    // an encoded update with the longest texts
inline constexpr std::size_t kMaxMessageBytes = 2 * kMaxBatchBytes;    // ZMQ_MAXMSGSIZE: a longer frame closes the link

// Digests.
inline constexpr unsigned kBucketBits = 12;
inline constexpr std::size_t kBuckets =
    std::size_t{1} << kBucketBits;  // of a million clients, the records of one bucket fit one message
inline constexpr std::size_t kMaxPulledBuckets = 512;  // in one PULL, so that its header has at most a few kilobytes

static_assert(kBuckets * 8 + kBuckets / 8 + 64 <= kMaxBatchBytes, "the sums of all buckets must fit one frame");
static_assert(kMaxClientBytes <= 255 && kMaxCoordinatesBytes <= 255 && kMaxTimeBytes <= 255,
              "the store has the lengths of the three texts in one byte each");
static_assert(kMaxClientBytes + kMaxCoordinatesBytes + kMaxTimeBytes + 128 <= kMaxUpdateBytes,
              "the longest texts and the numbers around them must fit an encoded update");
static_assert(kMaxUpdateBytes * 2 <= kMaxBatchBytes, "a batch must hold at least one update beside its origins");

}  // namespace herd::protocol

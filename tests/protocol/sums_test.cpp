#include "protocol/sums.hpp"

#include <memory>

#include "tests/catch.hpp"
#include "tests/protocol/hex.hpp"

using namespace herd::protocol;

namespace {

std::unique_ptr<Sums> sample_sums() {
  auto sums = std::make_unique<Sums>();
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) sums->of[bucket] = bucket * 0x9e3779b97f4a7c15ULL;
  for (const std::size_t bucket : {std::size_t{0}, std::size_t{9}, kBuckets - 1}) sums->unsettled.set(bucket);
  return sums;
}

}  // namespace

TEST_CASE("sums are decoded as they were encoded, and their frame is within the bound of a body") {
  const auto sent = sample_sums();
  const std::string frame = encode_sums(*sent);
  CHECK(frame.size() <= kMaxBatchBytes);
  const auto received = std::make_unique<Sums>();
  REQUIRE(decode_sums(frame, *received));
  CHECK(received->of == sent->of);
  CHECK(received->unsettled == sent->unsettled);
}

TEST_CASE("sums are encoded low byte first, and bits low bit first") {
  const auto sent = std::make_unique<Sums>();
  sent->of[1] = 0x0102030405060708;
  sent->unsettled.set(9);
  const std::string frame = encode_sums(*sent);
  CHECK(hex(frame.substr(0, 4)) == "92c58000");
  CHECK(hex(frame.substr(4 + 8, 8)) == "0807060504030201");
  CHECK(hex(frame.substr(4 + 8 * kBuckets, 3 + 2)) == "c502000002");
}

TEST_CASE("sums in a longer array are read, other frames are refused") {
  const std::string frame = encode_sums(*sample_sums());
  const auto received = std::make_unique<Sums>();
  std::string longer = frame + "\x01";
  longer[0] = static_cast<char>(0x93);
  CHECK(decode_sums(longer, *received));
  CHECK_FALSE(decode_sums(frame + "\x01", *received));
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{100}, frame.size() - 1}) {
    CHECK_FALSE(decode_sums(frame.substr(0, length), *received));
  }
  for (const char* bytes : {"90", "91 c40100", "92 c40100 c40100", "92 a0 a0", "92 01 02", "80", "c0", "c1",
                            "92 c6ffffffff", "ddffffffff", "92 c58000"}) {
    INFO(bytes);
    CHECK_FALSE(decode_sums(unhex(bytes), *received));
  }
}

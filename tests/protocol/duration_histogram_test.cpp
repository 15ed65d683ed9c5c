#include "protocol/duration_histogram.hpp"

#include <numeric>

#include "tests/catch.hpp"

using herd::protocol::DurationHistogram;
using namespace std::chrono_literals;

TEST_CASE("a duration is counted in the bucket with the least bound that is not below it") {
  DurationHistogram histogram;
  histogram.add(100us);
  histogram.add(100us + 1ns, 3);
  histogram.add(60s);
  histogram.add(60s + 1ns);
  const auto& buckets = histogram.buckets();
  CHECK(buckets.front() == 1);
  CHECK(buckets[1] == 3);
  CHECK(buckets[buckets.size() - 2] == 1);
  CHECK(buckets.back() == 1);
  CHECK(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}) == 6);
  CHECK(histogram.sum().count() == Approx(120.0004));
}

TEST_CASE("a negative duration counts as zero") {
  DurationHistogram histogram;
  histogram.add(-5s, 2);
  CHECK(histogram.buckets().front() == 2);
  CHECK(histogram.sum().count() == 0);
}

TEST_CASE("the sum holds the ages of very many old records") {
  DurationHistogram histogram;
  const auto century = std::chrono::hours(24 * 365 * 100);
  histogram.add(century, 1'000'000);
  CHECK(histogram.buckets().back() == 1'000'000);
  CHECK(histogram.sum().count() == Approx(3.1536e15));
}

TEST_CASE("the bounds ascend") {
  const auto& bounds = DurationHistogram::kBounds;
  CHECK(std::is_sorted(bounds.begin(), bounds.end()));
  CHECK(std::adjacent_find(bounds.begin(), bounds.end()) == bounds.end());
}

#include "bus/store/feed.hpp"

#include <map>
#include <random>
#include <unordered_map>

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

using Model = std::map<ChangeNumber, RecordIndex>;

constexpr std::size_t kSegment = 4096;  // entries, as in feed.hpp

Model read(const Feed& feed, ChangeNumber cursor) {
  Model found;
  Feed::Reader reader = feed.read_after(cursor);
  while (const auto entry = reader.next()) {
    REQUIRE((found.empty() || entry->number > found.rbegin()->first));
    found[entry->number] = entry->index;
  }
  return found;
}

Model after(const Model& model, ChangeNumber cursor) {
  return {model.upper_bound(cursor), model.end()};
}

}  // namespace

TEST_CASE("a feed's first number is its base plus 1") {
  Feed feed(100);
  CHECK(feed.tail() == 100);
  CHECK(feed.size() == 0);
  CHECK(read(feed, 0).empty());
  CHECK(feed.append(5) == 101);
  CHECK(feed.append(6) == 102);
  CHECK(feed.tail() == 102);
  CHECK(read(feed, 0) == Model{{101, 5}, {102, 6}});
}

TEST_CASE("reading begins after the cursor, also if no entry has that number") {
  Feed feed;
  for (RecordIndex i = 0; i < 5; ++i) (void)feed.append(i);
  feed.retire(2);
  CHECK(read(feed, 0).size() == 4);
  CHECK(read(feed, 1) == Model{{3, 2}, {4, 3}, {5, 4}});
  CHECK(read(feed, 2) == read(feed, 1));
  CHECK(read(feed, 4) == Model{{5, 4}});
  CHECK(read(feed, 5).empty());
  CHECK(read(feed, UINT64_MAX).empty());
}

TEST_CASE("counting after a cursor counts entries, not numbers") {
  Feed feed;
  CHECK(feed.count_after(0) == 0);
  (void)feed.append(1);
  feed.skip_to(ChangeNumber{1} << 40U);
  CHECK(feed.count_after(0) == 1);
  CHECK(feed.count_after(1) == 0);
  const ChangeNumber number = feed.append(2);
  CHECK(feed.count_after(0) == 2);
  CHECK(feed.count_after(1) == 1);
  CHECK(feed.count_after(number - 1) == 1);
  CHECK(feed.count_after(number) == 0);
  CHECK(feed.count_after(UINT64_MAX) == 0);
  feed.retire(1);
  CHECK(feed.count_after(0) == 1);
}

TEST_CASE("a feed agrees with a map, in whatever order its records change") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    Feed feed(seed == 3 ? std::uint64_t{1} << 40U : 0);
    Model model;
    std::unordered_map<RecordIndex, ChangeNumber> number_of;
    const RecordIndex records = seed == 1 ? 10 : 20'000;
    for (int step = 0; step < 60'000; ++step) {
      // Some records change much more often than others.
      const auto record = static_cast<RecordIndex>(random() % (random() % records + 1));
      if (const auto known = number_of.find(record); known != number_of.end()) {
        feed.retire(known->second);
        model.erase(known->second);
      }
      const ChangeNumber number = feed.append(record);
      REQUIRE(number == feed.tail());
      number_of[record] = number;
      model[number] = record;
      REQUIRE(feed.size() == model.size());
      REQUIRE(feed.held() <= 4 * feed.size() + 2 * kSegment);
      if (step % 1000 != 0) continue;
      const ChangeNumber cursor = feed.tail() - random() % static_cast<std::uint64_t>(step + 1);
      REQUIRE(read(feed, cursor) == after(model, cursor));
      REQUIRE(feed.count_after(cursor) == after(model, cursor).size());
      REQUIRE(read(feed, 0) == model);
    }
  }
}

TEST_CASE("a client that changes a million times does not make the feed grow") {
  Feed feed;
  (void)feed.append(1);  // never changes; lies before all others
  ChangeNumber number = feed.append(2);
  std::size_t most = 0;
  for (int move = 0; move < 1'000'000; ++move) {
    feed.retire(number);
    number = feed.append(2);
    most = std::max(most, feed.held());
  }
  CHECK(most <= 2 * kSegment + 4);
  CHECK(feed.size() == 2);
  CHECK(read(feed, 0) == Model{{1, 1}, {number, 2}});
}

TEST_CASE("the entries in memory depend on the records, not on their changes") {
  constexpr RecordIndex kRecords = 1000;
  Feed feed;
  std::vector<ChangeNumber> numbers;
  for (RecordIndex i = 0; i < kRecords; ++i) numbers.push_back(feed.append(i));
  for (int round = 0; round < 300; ++round) {
    for (RecordIndex i = 0; i < kRecords; ++i) {
      feed.retire(numbers[i]);
      numbers[i] = feed.append(i);
    }
  }
  CHECK(feed.held() <= 4 * std::size_t{kRecords} + 2 * kSegment);
  CHECK(read(feed, 0).size() == kRecords);
}

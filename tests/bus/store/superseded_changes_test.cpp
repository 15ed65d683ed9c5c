// Changes that are in the journal and superseded only in the store.
#include "bus/store/superseded_changes.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

std::vector<ChangeNumber> numbers(const SupersededChanges& superseded) {
  std::vector<ChangeNumber> numbers;
  for (const SupersededChanges::Entry& entry : superseded.entries()) numbers.push_back(entry.old);
  return numbers;
}

}  // namespace

TEST_CASE("a change that no flush has read was never on disk and is not noted") {
  SupersededChanges superseded;
  superseded.note(1, 10);
  CHECK(superseded.entries().empty());
  superseded.begin_flush(5);
  superseded.note(6, 10);
  CHECK(superseded.entries().empty());
  superseded.note(5, 10);
  CHECK(numbers(superseded) == std::vector<ChangeNumber>{5});
}

TEST_CASE("changes that a flush in progress has read count as on disk, until the flush fails") {
  SupersededChanges superseded;
  superseded.begin_flush(5);
  superseded.note(3, 10);
  superseded.begin_flush(9);
  superseded.note(7, 11);
  superseded.flush_failed(5);
  CHECK(numbers(superseded) == std::vector<ChangeNumber>{3});
  superseded.note(6, 12);
  CHECK(numbers(superseded) == std::vector<ChangeNumber>{3});
}

TEST_CASE("entries have doubled when there are at least 4,096, and twice as many as the last flush left") {
  SupersededChanges superseded;
  superseded.begin_flush(100'000);
  const auto note = [&](ChangeNumber count) {
    for (ChangeNumber old = 1; old <= count; ++old) superseded.note(old, 10);
  };
  note(4095);
  CHECK_FALSE(superseded.have_doubled());
  note(1);
  CHECK(superseded.have_doubled());
  superseded.flush_durable(9, [](RecordIndex) { return ChangeNumber{10}; });
  CHECK_FALSE(superseded.have_doubled());
  note(4096);
  CHECK(superseded.have_doubled());
}

TEST_CASE("a written flush to the tail drops the entries from before it, and not those noted since it began") {
  SupersededChanges superseded;
  superseded.begin_flush(5);
  superseded.note(3, 10);
  superseded.begin_flush(9);
  superseded.note(7, 10);
  superseded.full_flush_written();
  CHECK(numbers(superseded) == std::vector<ChangeNumber>{7});
  superseded.begin_flush(12);
  superseded.full_flush_written();
  CHECK(superseded.entries().empty());
}

TEST_CASE("an entry is dropped once the record that superseded it is on disk") {
  SupersededChanges superseded;
  std::map<RecordIndex, ChangeNumber> present{{10, 8}, {11, 12}};
  superseded.begin_flush(5);
  superseded.note(3, 10);
  superseded.note(4, 11);
  superseded.begin_flush(9);
  superseded.flush_durable(9, [&](RecordIndex index) { return present.at(index); });
  CHECK(numbers(superseded) == std::vector<ChangeNumber>{4});
}

TEST_CASE("greatest() is an upper bound of all entries through a series of flushes") {
  SupersededChanges superseded;
  CHECK(superseded.greatest() == 0);
  superseded.begin_flush(9);
  superseded.note(8, 10);
  superseded.note(3, 11);
  CHECK(superseded.greatest() == 8);
  superseded.begin_flush(15);
  CHECK(superseded.greatest() == 8);
  superseded.note(12, 10);
  CHECK(superseded.greatest() == 12);
  superseded.begin_flush(20);
  superseded.note(4, 12);
  CHECK(superseded.greatest() == 12);
  superseded.full_flush_written();
  CHECK(superseded.greatest() == 4);
  superseded.begin_flush(25);
  superseded.note(23, 12);
  superseded.flush_failed(20);
  CHECK(superseded.greatest() >= 4);
  superseded.begin_flush(25);
  superseded.full_flush_written();
  CHECK(superseded.greatest() == 0);
}

TEST_CASE("greatest() is an upper bound of all entries through random flushes") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  SupersededChanges superseded;
  ChangeNumber tail = 1;
  for (int step = 0; step < 20'000; ++step) {
    tail += random() % 3;
    switch (random() % 12) {
      case 0:
        superseded.begin_flush(tail);
        break;
      case 1:
        superseded.full_flush_written();
        break;
      case 2:
        superseded.flush_durable(tail, [&](RecordIndex index) { return index % 2 == 0 ? tail : tail + 1; });
        break;
      case 3:
        superseded.flush_failed(tail - random() % 5 % tail);
        break;
      default:
        superseded.note(1 + random() % tail, static_cast<RecordIndex>(random() % 100));
    }
    ChangeNumber greatest = 0;
    for (const SupersededChanges::Entry& entry : superseded.entries()) greatest = std::max(greatest, entry.old);
    REQUIRE(superseded.greatest() >= greatest);
  }
}

// Which numbers on disk were superseded in memory only.
#include "bus/store/superseded.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

std::vector<ChangeNumber> numbers(const Displaced& displaced) {
  std::vector<ChangeNumber> numbers;
  for (const Displaced::Entry& entry : displaced.entries()) numbers.push_back(entry.old);
  return numbers;
}

}  // namespace

TEST_CASE("a number that no pass has read was never on disk, and is of no interest") {
  Displaced displaced;
  displaced.note(1, 10);
  CHECK(displaced.entries().empty());
  displaced.begin_pass(5);
  displaced.note(6, 10);
  CHECK(displaced.entries().empty());
  displaced.note(5, 10);
  CHECK(numbers(displaced) == std::vector<ChangeNumber>{5});
}

TEST_CASE("what a pass that is under way has read counts as on disk, until the pass is said to have failed") {
  Displaced displaced;
  displaced.begin_pass(5);
  displaced.note(3, 10);
  displaced.begin_pass(9);
  displaced.note(7, 11);
  displaced.pass_failed(5);
  CHECK(numbers(displaced) == std::vector<ChangeNumber>{3});
  displaced.note(6, 12);
  CHECK(numbers(displaced) == std::vector<ChangeNumber>{3});
}

TEST_CASE("numbers are worth a look when there are many, and twice as many as the last look has left") {
  Displaced displaced;
  displaced.begin_pass(100'000);
  const auto note = [&](ChangeNumber count) {
    for (ChangeNumber old = 1; old <= count; ++old) displaced.note(old, 10);
  };
  note(4095);
  CHECK_FALSE(displaced.have_doubled());
  note(1);
  CHECK(displaced.have_doubled());
  displaced.pass_kept(9, [](RecordIndex) { return ChangeNumber{10}; });
  CHECK_FALSE(displaced.have_doubled());
  note(4096);
  CHECK(displaced.have_doubled());
}

TEST_CASE("what was noted before a pass is forgotten once that pass has kept all, and what came meanwhile is not") {
  Displaced displaced;
  displaced.begin_pass(5);
  displaced.note(3, 10);
  displaced.begin_pass(9);
  displaced.note(7, 10);
  displaced.whole_pass_kept();
  CHECK(numbers(displaced) == std::vector<ChangeNumber>{7});
  displaced.begin_pass(12);
  displaced.whole_pass_kept();
  CHECK(displaced.entries().empty());
}

TEST_CASE("a number is forgotten once the record that superseded it is on disk") {
  Displaced displaced;
  std::map<RecordIndex, ChangeNumber> present{{10, 8}, {11, 12}};
  displaced.begin_pass(5);
  displaced.note(3, 10);
  displaced.note(4, 11);
  displaced.begin_pass(9);
  displaced.pass_kept(9, [&](RecordIndex index) { return present.at(index); });
  CHECK(numbers(displaced) == std::vector<ChangeNumber>{4});
}

TEST_CASE("no number on disk that was superseded is greater than the greatest, while passes come and go") {
  Displaced displaced;
  CHECK(displaced.greatest() == 0);
  displaced.begin_pass(9);
  displaced.note(8, 10);
  displaced.note(3, 11);
  CHECK(displaced.greatest() == 8);
  displaced.begin_pass(15);
  CHECK(displaced.greatest() == 8);
  displaced.note(12, 10);
  CHECK(displaced.greatest() == 12);
  displaced.begin_pass(20);
  displaced.note(4, 12);
  CHECK(displaced.greatest() == 12);
  displaced.whole_pass_kept();
  CHECK(displaced.greatest() == 4);
  displaced.begin_pass(25);
  displaced.note(23, 12);
  displaced.pass_failed(20);
  CHECK(displaced.greatest() >= 4);
  displaced.begin_pass(25);
  displaced.whole_pass_kept();
  CHECK(displaced.greatest() == 0);
}

TEST_CASE("the greatest is never less than one that is there, whatever passes do in whatever order") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Displaced displaced;
  ChangeNumber tail = 1;
  for (int step = 0; step < 20'000; ++step) {
    tail += random() % 3;
    switch (random() % 12) {
      case 0:
        displaced.begin_pass(tail);
        break;
      case 1:
        displaced.whole_pass_kept();
        break;
      case 2:
        displaced.pass_kept(tail, [&](RecordIndex index) { return index % 2 == 0 ? tail : tail + 1; });
        break;
      case 3:
        displaced.pass_failed(tail - random() % 5 % tail);
        break;
      default:
        displaced.note(1 + random() % tail, static_cast<RecordIndex>(random() % 100));
    }
    ChangeNumber greatest = 0;
    for (const Displaced::Entry& entry : displaced.entries()) greatest = std::max(greatest, entry.old);
    REQUIRE(displaced.greatest() >= greatest);
  }
}

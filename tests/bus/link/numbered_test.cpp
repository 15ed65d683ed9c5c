#include "bus/link/numbered.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

using herd::bus::Numbered;
using herd::bus::PeerIndex;

namespace {

std::vector<std::string> values(const Numbered<std::string>& all) {
  std::vector<std::string> found;
  for (const std::string& value : all) found.push_back(value);
  return found;
}

}  // namespace

TEST_CASE("numbers are given out from 0, and a removed one is the next") {
  Numbered<std::string> all;
  CHECK(values(all).empty());
  CHECK(all.end_number() == 0);
  CHECK(all.add("Smith") == 0);
  CHECK(all.add("Jaquez") == 1);
  CHECK(all.add("Campbell") == 2);
  all.remove(1);
  CHECK_FALSE(all.has(1));
  CHECK(all.end_number() == 3);
  CHECK(all.size() == 2);
  CHECK(values(all) == std::vector<std::string>{"Smith", "Campbell"});
  CHECK(all[2] == "Campbell");
  CHECK(all.free_number() == 1);
  CHECK(all.add("Powell") == 1);
  CHECK(all.add("Hill") == 3);
}

TEST_CASE("end_number falls when the highest numbers are removed") {
  Numbered<std::string> all;
  all.put(2, "Campbell");
  CHECK(all.end_number() == 3);
  all.put(0, "Smith");
  CHECK(all.add("Jaquez") == 1);
  all.remove(1);
  all.remove(2);
  CHECK(all.end_number() == 1);
  CHECK_FALSE(all.has(2));
  CHECK_FALSE(all.has(200));
  all.remove(0);
  CHECK(all.size() == 0);
  CHECK(all.begin() == all.end());
}

#include "node/watches/member_set.hpp"

#include <map>
#include <random>

#include "tests/catch.hpp"

using namespace herd::node::watches;

TEST_CASE("a member set holds what a map holds, and frees its memory when it is empty") {
  std::mt19937_64 random(3);
  MemberSet set;
  std::map<herd::bus::RecordIndex, Version> expected;
  for (int step = 0; step < 20'000; ++step) {
    const bool shrinks = step / 2000 % 2 == 1;
    const auto record = static_cast<herd::bus::RecordIndex>(random() % 500 * 1024);
    const Version version{static_cast<std::uint32_t>(random() % 3), herd::protocol::Nanoseconds{step}};
    if (expected.count(record) == 0) {
      if (shrinks && random() % 4 != 0) continue;
      set.insert(record, version);
      expected[record] = version;
    } else if (shrinks || random() % 3 == 0) {
      set.erase(record);
      expected.erase(record);
    } else {
      set.set_version(record, version);
      expected[record] = version;
    }
    if (step % 100 == 0) set.check_invariants();
    REQUIRE(set.size() == expected.size());
  }
  for (const auto& [record, version] : expected) CHECK(set.version_of(record) == version);
  std::size_t walked = 0;
  for (std::size_t at = 0; at < set.slots(); ++at) walked += set.at(at) != MemberSet::kNone ? 1 : 0;
  CHECK(walked == expected.size());
  CHECK_FALSE(set.version_of(7));
  for (const auto& [record, version] : expected) set.erase(record);
  CHECK(set.slots() == 0);
}

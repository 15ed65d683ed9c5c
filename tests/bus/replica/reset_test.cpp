// An operator resets a client: rule 18 of docs/PROTOCOL.md.
#include <limits>
#include <string>

#include "bus/store/update_texts.hpp"
#include "tests/bus/one_journal.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

Update reset_update() {
  Update update;
  update.id = {"Hill", 7, 1};
  update.epoch = 1;
  update.client = "kiwi";
  update.time_text = kResetTime;
  update.difference = 1'700'000'000s;
  return update;
}

}  // namespace

TEST_CASE("a reset replaces the record at every node, and any later report counts") {
  TwoReplicas two;
  REQUIRE(accept(*two.hill, "kiwi", "9223372035", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  CHECK(accept(*two.smith, "kiwi", "1700000000", two.now).result == Accepted::NotNewer);
  const ResetOutcome outcome = two.smith->reset("kiwi", two.now);
  CHECK(outcome.reset == Reset::Done);
  CHECK(outcome.epoch == 1);
  CHECK(outcome.number == two.smith->store().feed().tail());
  REQUIRE(two.deliver());
  CHECK(is_reset(*two.hill->find("kiwi")));
  CHECK(is_reset(*two.smith->find("kiwi")));
  CHECK(two.hill->find("kiwi")->origin == "Smith");
  REQUIRE(accept(*two.hill, "kiwi", "0.000000001", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  CHECK(two.smith->find("kiwi")->time_text == "0.000000001");
  CHECK(two.smith->find("kiwi")->epoch == 1);
  CHECK(two.equal());
}

TEST_CASE("a report that was in flight when its client was reset is older than the reset") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  REQUIRE(accept(*two.hill, "kiwi", "6", two.now).result == Accepted::Stored);
  REQUIRE(two.smith->reset("kiwi", two.now).reset == Reset::Done);
  REQUIRE(two.deliver());
  CHECK(two.equal());
  CHECK(is_reset(*two.hill->find("kiwi")));
}

TEST_CASE("two nodes that reset a client at once agree on one reset, and one report ends it") {
  TwoReplicas two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  REQUIRE(two.hill->reset("kiwi", two.now).reset == Reset::Done);
  REQUIRE(two.smith->reset("kiwi", two.now).reset == Reset::Done);
  REQUIRE(two.deliver());
  CHECK(two.equal());
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  CHECK(two.equal());
  CHECK_FALSE(is_reset(*two.smith->find("kiwi")));
}

TEST_CASE("after a reset the former report is no duplicate, and one with time 0 is not newer") {
  const auto hill = make_replica("Hill", {}, 1);
  REQUIRE(accept(*hill, "kiwi", "5", kStart).result == Accepted::Stored);
  REQUIRE(hill->reset("kiwi", kStart).reset == Reset::Done);
  CHECK(accept(*hill, "kiwi", "0", kStart).result == Accepted::NotNewer);
  CHECK(is_reset(*hill->find("kiwi")));
  CHECK(accept(*hill, "kiwi", "5", kStart).result == Accepted::Stored);
  CHECK(accept(*hill, "kiwi", "5", kStart).result == Accepted::Duplicate);
  CHECK(accept(*hill, "kiwi", "4", kStart).result == Accepted::NotNewer);
}

TEST_CASE("a reset of a client that is unknown, or has not reported since its last reset, changes nothing") {
  const auto hill = make_replica("Hill", {}, 1);
  CHECK(hill->reset("kiwi", kStart).reset == Reset::Unknown);
  CHECK(hill->store().size() == 0);
  REQUIRE(accept(*hill, "kiwi", "5", kStart).result == Accepted::Stored);
  const ResetOutcome first = hill->reset("kiwi", kStart);
  const ResetOutcome second = hill->reset("kiwi", kStart);
  CHECK(second.reset == Reset::Already);
  CHECK(second.epoch == first.epoch);
  CHECK(second.number == first.number);
  REQUIRE(accept(*hill, "kiwi", "5", kStart).result == Accepted::Stored);
  CHECK(hill->reset("kiwi", kStart).epoch == 2);
}

TEST_CASE("a client in its last epoch is not reset, and the epoch does not wrap") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  BodyEncoder encoder;
  Update last = reset_update();
  last.epoch = std::numeric_limits<std::uint32_t>::max();
  last.coordinates = "+1-2";
  last.time_text = "5";
  REQUIRE(encoder.add(last));
  receive(*two.smith, "from Hill",
          Outgoing{encode(Batch{{1, 2}, 1, 0, 1, 0, 0}), std::make_shared<const std::string>(encoder.finish())},
          two.now);
  REQUIRE(two.smith->find("kiwi"));
  CHECK(two.smith->reset("kiwi", two.now).reset == Reset::TooOften);
  CHECK(two.smith->find("kiwi")->coordinates == "+1-2");
}

TEST_CASE("from a peer only the exact form of a reset is accepted") {
  Update good = reset_update();
  CHECK(read_texts(good));
  CHECK(good.time == 0s);
  for (int wrong = 0; wrong < 6; ++wrong) {
    INFO(wrong);
    Update update = reset_update();
    if (wrong == 0) update.epoch = 0;
    if (wrong == 1) update.time_text = "0.0";
    if (wrong == 2) update.time_text = "00";
    if (wrong == 3) update.time_text = "5";
    if (wrong == 4) update.coordinates = " ";
    if (wrong == 5) update.client = "";
    CHECK_FALSE(read_texts(update));
  }
}

TEST_CASE("a reset survives a restart") {
  OneJournal journal;
  journal.move("kiwi");
  Update reset = reset_update();
  reset.id.number = journal.tail() + 1;
  REQUIRE(journal.store->merge(reset, kFromClient) == Store::Merged::Changed);
  (void)journal.flush();
  journal.restart();
  REQUIRE(journal.store->find("kiwi"));
  CHECK(is_reset(*journal.store->find("kiwi")));
  CHECK(journal.store->find("kiwi")->epoch == 1);
}

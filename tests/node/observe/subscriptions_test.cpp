#include "node/observe/subscriptions.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

const std::vector<std::string> kTopics{"herd.INFO.stats.Hill", "herd.INFO.client.Hill", "herd.ERROR.node.Hill"};

TEST_CASE("a subscription covers the topics that begin with its prefix") {
  Subscriptions subscriptions(kTopics);
  CHECK(subscriptions.covered() == 0);
  CHECK(subscriptions.add("herd.INFO.c") == 0b010);
  CHECK(subscriptions.add("herd.INFO.") == 0b001);
  CHECK(subscriptions.add("") == 0b100);
  CHECK(subscriptions.covered() == 0b111);
  CHECK(subscriptions.remove("") == 0b100);
  CHECK(subscriptions.remove("herd.INFO.") == 0b001);
  CHECK(subscriptions.covered() == 0b010);
  CHECK(subscriptions.remove("herd.INFO.c") == 0b010);
  CHECK(subscriptions.size() == 0);
}

TEST_CASE("a repeated subscription changes nothing, and one cancellation ends it") {
  Subscriptions subscriptions(kTopics);
  CHECK(subscriptions.add("herd.") == 0b111);
  for (int times = 0; times < 10; ++times) CHECK(subscriptions.add("herd.") == 0);
  CHECK(subscriptions.size() == 1);
  CHECK(subscriptions.remove("herd.") == 0b111);
  CHECK(subscriptions.remove("herd.") == 0);
}

TEST_CASE("prefixes of equal length or with equal topics are distinct") {
  Subscriptions subscriptions(kTopics);
  CHECK(subscriptions.add("herd.I") == 0b011);
  CHECK(subscriptions.add("herd.E") == 0b100);
  CHECK(subscriptions.add("herd.IN") == 0);
  CHECK(subscriptions.remove("herd.I") == 0);
  CHECK(subscriptions.remove("herd.X") == 0);
  CHECK(subscriptions.covered() == 0b111);
  CHECK(subscriptions.remove("herd.IN") == 0b011);
}

TEST_CASE("a prefix that covers no topic of the node is not stored") {
  Subscriptions subscriptions(kTopics);
  for (int i = 0; i < 1000; ++i) CHECK(subscriptions.add("herd.INFO.stats.Hills" + std::to_string(i)) == 0);
  CHECK(subscriptions.add("Herd.") == 0);
  CHECK(subscriptions.size() == 0);
  CHECK(subscriptions.remove("Herd.") == 0);
}

TEST_CASE("there are as many stored prefixes as the topics have distinct prefixes") {
  Subscriptions subscriptions(kTopics);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& topic : kTopics) {
      for (std::size_t length = 0; length <= topic.size(); ++length) (void)subscriptions.add(topic.substr(0, length));
    }
  }
  // "" to "herd." match all topics, "herd.I" to "herd.INFO." match two, the others match one each.
  CHECK(subscriptions.size() == 6 + 5 + 10 + 11 + 15);
  for (const std::string& topic : kTopics) {
    for (std::size_t length = 0; length <= topic.size(); ++length) (void)subscriptions.remove(topic.substr(0, length));
  }
  CHECK(subscriptions.size() == 0);
  CHECK(subscriptions.covered() == 0);
}

}  // namespace
}  // namespace herd::node

#include "bus/link/known_to_peer.hpp"

#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

// The example of the header.
TEST_CASE("a record is known to the peer if its present incarnation sent it") {
  Store store(1, 8);
  (void)store.merge(sample_update("before", 9), 3);
  (void)store.merge(sample_update("tail", 10), kFromClient);
  KnownToPeer known(3);
  known.begin_incarnation(store.feed().tail());
  REQUIRE(store.feed().tail() == 10);
  (void)store.merge(sample_update("theirs", 11), 3);
  (void)store.merge(sample_update("another's", 12), 2);
  (void)store.merge(sample_update("ours", 13), kFromClient);
  std::vector<ChangeNumber> left_out;
  Feed::Reader reader = store.feed().read_after(0);
  while (const auto entry = reader.next()) {
    if (known.contains(store, *entry)) left_out.push_back(entry->number);
  }
  CHECK(left_out == std::vector<ChangeNumber>{11});
}

#include "node/watches/all_watches.hpp"

#include <memory>
#include <vector>

#include "node/watches/all_watch.hpp"
#include "tests/node/watches/world.hpp"

using namespace herd::node;
using namespace herd::node::watches;

namespace {

// Watches of all clients, without a registry that tells them of changes.
struct Watches {
  World world;
  Shared shared{world.store, world.index, world.limits, world.counters, {}, Interests(world.store), {},
                Versions(world.store)};
  Sight sight;

  std::unique_ptr<AllWatch> begin(WatchId id) {
    return std::make_unique<AllWatch>(Watch::Place{shared, sight, id}, all("t"), false, world.now);
  }
  // A watch that has written all.
  std::unique_ptr<AllWatch> current(WatchId id) {
    auto watch = begin(id);
    write(*watch);
    return watch;
  }
  void write(Watch& watch) const {
    std::string text;
    CountedSlice slice;
    Output out{text, SIZE_MAX, slice, world.now};
    CHECK_FALSE(watch.write(out));
  }
  // Tells all that must be told of a change of this kind, and returns how many.
  std::size_t tell(ChangeKind kind) {
    const std::vector<AllWatch*> told = shared.all_watches.to_tell(kind);
    for (AllWatch* const watch : told) watch->note(moved(), {kind, 1});
    return told.size();
  }
  [[nodiscard]] area::Moved moved() const {
    return {world.store.locate("kiwi").index(), world.tail(), herd::protocol::Point{}, herd::protocol::Point{}};
  }
};

}  // namespace

TEST_CASE("a watch is told of one later report, and then of none until it has written all") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  const auto first = watches.current(1);
  const auto second = watches.current(2);
  CHECK(watches.tell(ChangeKind::Later) == 2);
  CHECK(watches.tell(ChangeKind::Later) == 0);
  watches.write(*second);
  CHECK(watches.tell(ChangeKind::Later) == 1);
  CHECK(watches.tell(ChangeKind::Later) == 0);
}

TEST_CASE("a watch that is behind is told of clients that appear or are reset, but not of those that stay reset") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  const auto opening = watches.begin(1);
  const auto behind = watches.current(2);
  CHECK(watches.tell(ChangeKind::Later) == 1);
  CHECK(watches.tell(ChangeKind::Turn) == 2);
  CHECK(watches.tell(ChangeKind::Nothing) == 0);
}

TEST_CASE("a watch that is behind is told of later reports while it knows of a tie") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  const auto watch = watches.current(1);
  CHECK(watches.tell(ChangeKind::Tie) == 1);
  CHECK(watches.tell(ChangeKind::Later) == 1);
  CHECK(watches.tell(ChangeKind::Later) == 0);
}

TEST_CASE("a watch that has ended is not told") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  auto first = watches.current(1);
  const auto second = watches.current(2);
  first.reset();
  CHECK(watches.tell(ChangeKind::Later) == 1);
  CHECK(watches.tell(ChangeKind::Turn) == 1);
}

#include "node/watches/all_watches.hpp"

#include <memory>
#include <string_view>
#include <vector>

#include "node/watches/all_watch.hpp"
#include "tests/node/watches/world.hpp"

using namespace herd::node;
using namespace herd::node::watches;

namespace {

// Watches of all clients, without a registry.
struct Watches {
  World world;
  Shared shared{world.store,           world.index, world.limits, world.counters, {}, Interests(world.store), {},
                Versions(world.store), {}};
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
  // Notes a change of this kind, and returns how many watches it concerns.
  std::size_t note(ChangeKind kind, std::string_view client = "kiwi") {
    const auto found = shared.all_watches.concerned_by(kind);
    const std::vector<AllWatch*> concerned(found.begin(), found.end());
    const herd::protocol::Point point;
    const area::Moved moved{world.store.locate(client).index(), world.tail(), point, point};
    for (AllWatch* const watch : concerned) watch->note(moved, {kind, 1});
    return concerned.size();
  }
};

}  // namespace

TEST_CASE("one later report concerns a watch, and then no other until it has written all") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  const auto first = watches.current(1);
  const auto second = watches.current(2);
  CHECK(watches.note(ChangeKind::Later) == 2);
  CHECK(watches.note(ChangeKind::Later) == 0);
  watches.write(*second);
  CHECK(watches.note(ChangeKind::Later) == 1);
  CHECK(watches.note(ChangeKind::Later) == 0);
}

TEST_CASE("clients that appear or are reset concern each watch, and those that stay reset no watch") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  const auto opening = watches.begin(1);
  const auto with_unread = watches.current(2);
  CHECK(watches.note(ChangeKind::Later) == 1);
  CHECK(watches.note(ChangeKind::Turn) == 2);
  CHECK(watches.note(ChangeKind::Nothing) == 0);
}

TEST_CASE("later reports concern a watch with an unread tie") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  watches.world.report("emu", "+1.0+2.0");
  const auto watch = watches.current(1);
  CHECK(watches.note(ChangeKind::Later) == 1);
  CHECK(watches.note(ChangeKind::Later) == 0);
  CHECK(watches.note(ChangeKind::Tie, "emu") == 1);
  CHECK(watches.note(ChangeKind::Later, "emu") == 1);
  CHECK(watches.note(ChangeKind::Later, "emu") == 0);
}

TEST_CASE("no change concerns a watch that has ended") {
  Watches watches;
  watches.world.report("kiwi", "+1.0+2.0");
  auto first = watches.current(1);
  const auto second = watches.current(2);
  first.reset();
  CHECK(watches.note(ChangeKind::Later) == 1);
  CHECK(watches.note(ChangeKind::Turn) == 1);
}

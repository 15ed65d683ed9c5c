// The formats of the journal: an older one is read and continued, another one is recognised and not touched.
#include <string>

#include "bus/journal/journal_copy.hpp"
#include "protocol/byte_order.hpp"
#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace herd::bus;
using herd::protocol::put_little_endian;

namespace {

// The same frame with the magic of another format.
std::string in_format(std::string frame, const std::string& magic) {
  frame.replace(0, magic.size(), magic);
  put_little_endian(frame.data() + 24, static_cast<std::uint64_t>(XXH3_64bits(frame.data(), 24)));
  return frame;
}

std::string first_frame() {
  std::string text;
  FrameWriter writer;
  writer.run(text, {kJournalFeed, 0, kFirstRun});
  return text;
}

// A journal with three records, and then a frame that another release has appended.
std::string continued_by(const std::string& magic) {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  FrameWriter writer(recovered(node.text).sequence);
  std::string more;
  writer.mark(more, {3, {}});
  return node.text + in_format(more, magic);
}

}  // namespace

TEST_CASE("the formats that this release reads end with the one that it writes") {
  CHECK(magic_of(kJournalFormat) == kFrameMagic);
  CHECK(magic_of(7) == "HJ07");
  CHECK(kOldestJournalFormat <= kJournalFormat);
  CHECK(first_frame().starts_with(kFrameMagic));
}

TEST_CASE("a journal of an older format is read, and continued in the present one") {
  OneJournal node;
  node.text = in_format(first_frame(), magic_of(kOldestJournalFormat));
  node.restart();
  node.fill(3);
  (void)node.flush();
  CHECK(node.text.starts_with(magic_of(kOldestJournalFormat)));
  CHECK(node.text.find(kFrameMagic) == first_frame().size());
  const RecoveredState state = recovered(node.text);
  CHECK(state.store.size() == 3);
  CHECK(state.run.feed_id == kJournalFeed);
}

TEST_CASE("a journal of another format is refused, and the error names all formats") {
  for (const auto& [magic, which] : {std::pair{magic_of(kJournalFormat + 1), "a newer"},
                                     {magic_of(99), "a newer"},
                                     {magic_of(kOldestJournalFormat - 1), "an older"},
                                     {magic_of(0), "an older"}}) {
    for (const std::string& text :
         {in_format(first_frame(), magic), magic + " with another head", magic, continued_by(magic)}) {
      const auto state = recover(text, 1, kHashSeed);
      REQUIRE_FALSE(state);
      CHECK(state.error().is_of_another_release);
      CHECK(state.error().message == std::string("it was written by ") + which + " release of herd, in format " +
                                         magic + " (this release reads HJ02 to HJ03)");
    }
  }
}

// The newer release was killed in its first write, so it acknowledged nothing.
TEST_CASE("an incomplete frame of a newer format after others is a torn tail") {
  const std::string text = continued_by(magic_of(kJournalFormat + 1));
  const auto state = recover(std::string_view(text).substr(0, text.size() - 1), 1, kHashSeed);
  REQUIRE(state);
  CHECK(state->store.size() == 3);
}

TEST_CASE("damage before an intact frame of a newer format is damage, not a torn tail") {
  std::string text = continued_by(magic_of(kJournalFormat + 1));
  text[first_frame().size() + kFrameHeadBytes + 5] ^= 1;
  const auto state = recover(text, 1, kHashSeed);
  REQUIRE_FALSE(state);
  CHECK_FALSE(state.error().is_of_another_release);
}

TEST_CASE("a text with a wrong number of a format is no journal") {
  for (const char* magic : {"HJx3", "HJ3 ", "HJ-1", "XJ03"}) {
    const auto state = recover(in_format(first_frame(), magic), 1, kHashSeed);
    REQUIRE_FALSE(state);
    CHECK_FALSE(state.error().is_of_another_release);
  }
}

TEST_CASE("the frame of a copy does not exist in the oldest format") {
  std::string text = in_format(first_frame(), "HJ02");
  FrameWriter writer(1);
  std::string copy;
  writer.copy(copy, {"Hill", {}, 0, 0});
  text += in_format(copy, "HJ02");
  CHECK_FALSE(recover(text, 1, kHashSeed));
}

TEST_CASE("a torn first frame of any format that this release reads counts as empty") {
  for (unsigned format = kOldestJournalFormat; format <= kJournalFormat; ++format) {
    const std::string text = in_format(first_frame(), magic_of(format));
    const auto state = recover(std::string_view(text).substr(0, text.size() - 1), 5, kHashSeed);
    REQUIRE(state);
    CHECK(state->run.feed_id == 5);
  }
}

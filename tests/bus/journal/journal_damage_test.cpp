// A journal that is cut off at any byte, or has any bit flipped, gives the records of its valid prefix or is refused.
// Damage is always reported, and no record appears that was not written.
#include "bus/journal/recovery.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

// The expected content of a journal up to the end of one of its frames.
struct Prefix {
  std::size_t bytes = 0;
  std::uint64_t digest = 0;
  std::size_t clients = 0;
  std::size_t records = 0;
  std::vector<PeerCursor> cursors;
};

// A journal of 1,000 records of 400 clients, and the expected content of each of its prefixes.
struct Sample {
  std::string text;
  std::vector<Prefix> prefixes;

  Sample() {
    Store store(kHashSeed);
    FrameWriter writer;
    writer.run(text, {kJournalFeed, 0});
    std::vector<PeerCursor> cursors;
    const auto note = [&] {
      prefixes.push_back({text.size(), store.digest(), store.size(), store.feed().tail(), cursors});
    };
    note();
    while (store.feed().tail() < kRecords) {
      const ChangeNumber before = store.feed().tail();
      for (std::size_t i = 0; i < kRecordsPerFlush; ++i) move(store);
      Feed::Reader reader = store.feed().read_after(before);
      (void)writer.records(text, reader, store, SIZE_MAX);
      note();
      cursors = {{"Smith", 201, {before + 7}}};
      writer.mark(text, {store.feed().tail(), cursors});
      note();
    }
  }

  // The last prefix that ends at or before `bytes`, or nullptr.
  [[nodiscard]] const Prefix* upto(std::size_t bytes) const {
    const auto after = std::upper_bound(prefixes.begin(), prefixes.end(), bytes,
                                        [](std::size_t size, const Prefix& prefix) { return size < prefix.bytes; });
    return after == prefixes.begin() ? nullptr : &*std::prev(after);
  }

 private:
  static constexpr std::size_t kRecords = 1'000;
  static constexpr std::size_t kRecordsPerFlush = 40;

  static void move(Store& store) {
    const ChangeNumber number = store.feed().tail() + 1;
    const std::string client = "c" + std::to_string(number * 7 % 400);
    const std::string time = std::to_string(number);
    herd::protocol::Update update = sample_update(client, number);
    update.time_text = time;
    update.time = std::chrono::seconds(number);
    (void)store.merge(update, kFromClient);
  }
};

const Sample& sample() {
  static const Sample the_sample;
  return the_sample;
}

// Whether the recovered state is exactly this prefix, and valid_bytes and records report its size.
bool is_prefix(const RecoveredState& state, const Prefix& prefix) {
  return state.valid_bytes == prefix.bytes && state.store.digest() == prefix.digest &&
         state.store.size() == prefix.clients && state.records == prefix.records && state.cursors == prefix.cursors &&
         state.run.feed_id == kJournalFeed && state.store.feed().tail() == prefix.records + kRunGap;
}

}  // namespace

TEST_CASE("a journal of 1,000 records, cut off at any byte, gives its valid prefix") {
  const std::string& text = sample().text;
  std::size_t wrong = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto state = recover(std::string_view(text).substr(0, size), kJournalFeed + 1, kHashSeed);
    const Prefix* prefix = sample().upto(size);
    if (prefix != nullptr) {
      wrong += !state || !is_prefix(*state, *prefix);
    } else {  // its first frame is incomplete
      wrong += !state || state->run.feed_id != kJournalFeed + 1 || state->store.size() != 0 || state->valid_bytes != 0;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a journal of 1,000 records with any one bit flipped is refused, or loses its last frame and reports that") {
  std::string text = sample().text;
  const std::size_t last_frame = sample().prefixes[sample().prefixes.size() - 2].bytes;
  std::size_t wrong = 0;
  FrameReader reader(text);  // the frames before the flipped bit are read only once
  std::size_t begin = 0;
  for (const Prefix& prefix : sample().prefixes) {
    for (std::size_t at = begin; at < prefix.bytes; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
        FrameReader here = reader;
        const Frame frame = here.next();
        const auto* damaged = std::get_if<FramesDamaged>(&frame);
        const auto* end = std::get_if<FramesEnd>(&frame);
        std::size_t offset = damaged != nullptr ? damaged->offset : end != nullptr ? end->valid_bytes : SIZE_MAX;
        if (std::holds_alternative<FramesForeign>(frame)) offset = 0;  // the first frame names another format
        wrong += offset != begin || (begin >= last_frame) != (end != nullptr);
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
      }
    }
    (void)reader.next();
    begin = prefix.bytes;
  }
  CHECK(begin == text.size());
  CHECK(wrong == 0);
}

TEST_CASE("recovery with a flipped bit gives the journal without its last frame, or an error") {
  std::string text = sample().text;
  const Prefix& last_but_one = sample().prefixes[sample().prefixes.size() - 2];
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < text.size(); at += 17) {
    const int bit = 1 << (at % 8);
    text[at] = static_cast<char>(text[at] ^ bit);
    const auto state = recover(text, kJournalFeed + 1, kHashSeed);
    const bool torn = at >= last_but_one.bytes;  // no valid frame follows: as if it had been cut off
    wrong += torn ? !state || !is_prefix(*state, last_but_one) : state.has_value();
    text[at] = static_cast<char>(text[at] ^ bit);
  }
  CHECK(wrong == 0);
}

TEST_CASE("a text that is not a journal is refused") {
  CHECK_FALSE(recover("not a journal", kJournalFeed, kHashSeed));
  CHECK_FALSE(recover(std::string(4096, '\0'), kJournalFeed, kHashSeed));
  const std::string& text = sample().text;
  CHECK_FALSE(recover(std::string_view(text).substr(sample().prefixes[0].bytes), kJournalFeed, kHashSeed));
}

TEST_CASE("the error for a damaged journal contains the offset of the damage") {
  std::string text = sample().text;
  text[sample().prefixes[0].bytes + 40] ^= 1;
  const auto state = recover(text, kJournalFeed, kHashSeed);
  REQUIRE_FALSE(state);
  CHECK(state.error().message ==
        "it is damaged at byte " + std::to_string(sample().prefixes[0].bytes) + ", before records that can be read");
}

// A journal cut off at each byte and with each bit flipped: the records of its valid prefix, or a refusal. Never
// silence, never a record that was not written.
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

// What a journal holds up to the end of one of its frames, as its writer knows it.
struct Prefix {
  std::size_t bytes = 0;
  std::uint64_t digest = 0;
  std::size_t clients = 0;
  std::size_t records = 0;
  std::vector<PeerCursor> cursors;
};

// A journal of 1,000 records of 400 clients, and the truth about each of its prefixes.
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
      cursors = {{"Smith", 201, before + 7}};
      writer.mark(text, {store.feed().tail(), cursors});
      note();
    }
  }

  // The last prefix that ends at or before `bytes`, or nothing.
  [[nodiscard]] const Prefix* upto(std::size_t bytes) const {
    const auto behind = std::upper_bound(prefixes.begin(), prefixes.end(), bytes,
                                         [](std::size_t size, const Prefix& prefix) { return size < prefix.bytes; });
    return behind == prefixes.begin() ? nullptr : &*std::prev(behind);
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

// Whether a recovery brought back exactly this prefix, and says how much that is.
bool is_prefix(const RecoveredState& memory, const Prefix& prefix) {
  return memory.valid_bytes == prefix.bytes && memory.store.digest() == prefix.digest &&
         memory.store.size() == prefix.clients && memory.records == prefix.records &&
         memory.cursors == prefix.cursors && memory.run.feed_id == kJournalFeed &&
         memory.store.feed().tail() == prefix.records + kRunGap;
}

}  // namespace

TEST_CASE("a journal of 1,000 records, cut off at any byte, gives its valid prefix or is refused") {
  const std::string& text = sample().text;
  std::size_t wrong = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto memory = recover(std::string_view(text).substr(0, size), kJournalFeed + 1, kHashSeed);
    const Prefix* prefix = sample().upto(size);
    if (prefix != nullptr) {
      wrong += !memory || !is_prefix(*memory, *prefix);
    } else if (size == 0) {
      wrong += !memory || memory->run.feed_id != kJournalFeed + 1 || memory->store.size() != 0;
    } else {
      wrong += memory.has_value();  // not even its first frame is whole
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a journal of 1,000 records with any one bit flipped is refused, or loses its last frame and says so") {
  std::string text = sample().text;
  const std::size_t last_frame = sample().prefixes[sample().prefixes.size() - 2].bytes;
  std::size_t wrong = 0;
  FrameReader reader(text);  // what lies before the flipped bit reads the same each time, so it is read once
  std::size_t begin = 0;
  for (const Prefix& prefix : sample().prefixes) {
    for (std::size_t at = begin; at < prefix.bytes; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
        FrameReader here = reader;
        const Frame frame = here.next();
        const auto* damaged = std::get_if<FramesDamaged>(&frame);
        const auto* end = std::get_if<FramesEnd>(&frame);
        const std::size_t offset = damaged != nullptr ? damaged->offset : end != nullptr ? end->valid_bytes : SIZE_MAX;
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

TEST_CASE("a node that starts with a flipped bit has the prefix before the last frame, or does not start") {
  std::string text = sample().text;
  const Prefix& last_but_one = sample().prefixes[sample().prefixes.size() - 2];
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < text.size(); at += 17) {
    const int bit = 1 << (at % 8);
    text[at] = static_cast<char>(text[at] ^ bit);
    const auto memory = recover(text, kJournalFeed + 1, kHashSeed);
    const bool torn = at >= last_but_one.bytes;  // nothing valid stands behind: as if it had been cut off
    wrong += torn ? !memory || !is_prefix(*memory, last_but_one) : memory.has_value();
    text[at] = static_cast<char>(text[at] ^ bit);
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is no journal at all is refused") {
  CHECK_FALSE(recover("not a journal", kJournalFeed, kHashSeed));
  CHECK_FALSE(recover(std::string(4096, '\0'), kJournalFeed, kHashSeed));
  const std::string& text = sample().text;
  CHECK_FALSE(recover(std::string_view(text).substr(sample().prefixes[0].bytes), kJournalFeed, kHashSeed));
}

TEST_CASE("a damaged journal is refused with the place, and with what lies behind it") {
  std::string text = sample().text;
  text[sample().prefixes[0].bytes + 40] ^= 1;
  const auto memory = recover(text, kJournalFeed, kHashSeed);
  REQUIRE_FALSE(memory);
  CHECK(memory.error().message == "it is damaged at byte " + std::to_string(sample().prefixes[0].bytes) +
                                      ", before records that can be read");
}

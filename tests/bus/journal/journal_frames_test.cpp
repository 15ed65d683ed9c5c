// The frames of a journal: the reader returns what was written, and refuses frames that were changed.
#include "bus/journal/journal_frames.hpp"

#include <optional>
#include <string>

#include "bus/store/store.hpp"
#include "protocol/limits.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/hex.hpp"

using namespace herd::bus;

namespace {

// Everything that the reader returns for a text.
struct Read {
  std::vector<RunFrame> runs;
  std::vector<ChangeNumber> numbers;
  std::vector<std::string> clients;
  std::vector<MarkFrame> marks;
  std::size_t frames = 0;
  std::optional<FramesEnd> end;
  std::optional<FramesDamaged> damaged;
};

Read read(std::string_view text) {
  Read read;
  FrameReader reader(text);
  for (;; ++read.frames) {
    Frame frame = reader.next();
    if (auto* run = std::get_if<RunFrame>(&frame)) read.runs.push_back(*run);
    if (auto* mark = std::get_if<MarkFrame>(&frame)) read.marks.push_back(*mark);
    if (auto* records = std::get_if<RecordsFrame>(&frame)) {
      for (const JournalRecord& record : records->records) {
        read.numbers.push_back(record.number);
        read.clients.emplace_back(record.update.client);
      }
    }
    if (auto* end = std::get_if<FramesEnd>(&frame)) read.end = *end;
    if (auto* damaged = std::get_if<FramesDamaged>(&frame)) read.damaged = *damaged;
    if (read.end || read.damaged) return read;
  }
}

// A store of this number of clients, with ids of this length.
Store filled(std::size_t clients, std::size_t id_bytes = 8) {
  Store store(1);
  for (std::size_t i = 1; i <= clients; ++i) {
    std::string id = std::to_string(i);
    id.insert(0, id_bytes - id.size(), 'c');
    (void)store.merge(sample_update(id, i), kFromClient);
  }
  return store;
}

std::string written(const Store& store, std::size_t most = SIZE_MAX) {
  std::string text;
  FrameWriter writer;
  Feed::Reader reader = store.feed().read_after(0);
  (void)writer.records(text, reader, store, most);
  return text;
}

}  // namespace

TEST_CASE("an empty journal has no frames and no valid bytes") {
  const Read nothing = read("");
  REQUIRE(nothing.end);
  CHECK(nothing.end->valid_bytes == 0);
  CHECK(nothing.end->sequence == 0);
}

TEST_CASE("runs, records and marks are read as they were written, in order") {
  std::string text;
  FrameWriter writer;
  const Store store = filled(3);
  Feed::Reader reader = store.feed().read_after(1);
  writer.run(text, {77, 5, 6});
  CHECK(writer.records(text, reader, store, 100) == 3);
  writer.mark(text, {3, {{"Smith", 201, {9, 202, 7}}, {"Jaquez", 301, {}}}});
  const Read all = read(text);
  REQUIRE(all.end);
  CHECK(all.end->valid_bytes == text.size());
  CHECK(all.end->sequence == 3);
  CHECK(writer.sequence() == 3);
  REQUIRE(all.runs.size() == 1);
  CHECK(all.runs[0].feed_id == 77);
  CHECK(all.runs[0].base == 5);
  CHECK(all.runs[0].incarnation == 6);
  CHECK(all.numbers == std::vector<ChangeNumber>{2, 3});
  CHECK(all.clients == std::vector<std::string>{"ccccccc2", "ccccccc3"});
  REQUIRE(all.marks.size() == 1);
  CHECK(all.marks[0].tail == 3);
  CHECK(all.marks[0].cursors == std::vector<PeerCursor>{{"Smith", 201, {9, 202, 7}}, {"Jaquez", 301, {}}});
}

// Written by a build in which coordinates had at most 15 fraction digits and no solidus: a typical record, the longest
// packed record, and a loose record of the 65,536th origin.
TEST_CASE("a journal of a former build is read as it was written") {
  const std::string text = herd::protocol::unhex(
      "484a30320400000001000000000000008bce4500efe9582e26c5b51124cdc48693014d05484a3032b80000000200000000000000"
      "0c55c2353350bb47b568658c0fecab589302c60000009c9526020005000100757375616c0100010001000000d4c6741f1db3ef22"
      "b73518153be46098031d814e542107a7262200070001006c6f6e6765737402000100020000000100000003000000ff270dcdffff"
      "ff7f8de921436587092143d571e92143658709214305a7260200050002006c6f6f7365030001000300000002000000ff270dcdff"
      "ffff7f8de921436587092143d571e92143658709214305929301a446696c6c079302a448696c6cce00011170484a303211000000"
      "0300000000000000e82e4489608daf80bc9515975820d0579303ce000100039193a5536d6974684e09");
  std::vector<std::string> records;
  FrameReader reader(text);
  std::size_t frames = 0;
  for (Frame frame = reader.next(); !std::holds_alternative<FramesEnd>(frame); frame = reader.next(), ++frames) {
    REQUIRE_FALSE(std::holds_alternative<FramesDamaged>(frame));
    const auto* found = std::get_if<RecordsFrame>(&frame);
    if (found == nullptr) continue;
    for (const JournalRecord& record : found->records) {
      const herd::protocol::Update& update = record.update;
      records.push_back(std::string(update.id.origin) + " " + std::to_string(update.difference.count()) + " " +
                        std::string(update.client) + " " + std::string(update.coordinates) + " " +
                        std::string(update.time_text));
    }
  }
  CHECK(frames == 3);
  CHECK(records ==
        std::vector<std::string>{"Fill 263873386 usual +34.068930-118.445127 1520023934.918963997",
                                 "Fill -1 longest -89.123456789012345-179.123456789012345 9223372035.999999999",
                                 "Hill 1 loose -89.123456789012345-179.123456789012345 9223372035.999999999"});
}

TEST_CASE("records with the longest coordinates are written and read again") {
  const std::string digits(herd::protocol::kMaxFractionDigits, '7');
  for (const std::string& coordinates :
       {"-89." + digits + "-179." + digits + "/", "+1." + digits + "-2." + digits + "/",
        "+1." + digits + "-2.1234567890123456789012345678/", std::string("+1-2/")}) {
    INFO(coordinates);
    Store store(1);
    herd::protocol::Update update = sample_update("kiwi");
    update.coordinates = coordinates;
    REQUIRE(store.merge(update, kFromClient) == Store::Merged::Changed);
    const std::string text = written(store);
    FrameReader reader(text);
    const Frame frame = reader.next();
    const auto* records = std::get_if<RecordsFrame>(&frame);
    REQUIRE(records != nullptr);
    REQUIRE(records->records.size() == 1);
    CHECK(records->records[0].update.coordinates == coordinates);
  }
}

TEST_CASE("without records, no frame is written") {
  CHECK(written(filled(0)).empty());
  CHECK(written(filled(5), 0).empty());
}

TEST_CASE("at most the requested number of records is written, and the reader continues after them") {
  const Store store = filled(10);
  std::string text;
  FrameWriter writer;
  Feed::Reader reader = store.feed().read_after(0);
  CHECK(writer.records(text, reader, store, 4) == 4);
  CHECK(writer.records(text, reader, store, 4) == 8);
  CHECK(writer.records(text, reader, store, 4) == 10);
  CHECK(writer.records(text, reader, store, 4) == 0);
  CHECK(read(text).numbers.size() == 10);
}

TEST_CASE("a frame has the bounds of a batch, in records and in bytes") {
  using herd::protocol::kMaxBatchUpdates;
  CHECK(read(written(filled(kMaxBatchUpdates))).frames == 1);
  CHECK(read(written(filled(kMaxBatchUpdates + 1))).frames == 2);
  const Read longest = read(written(filled(kMaxBatchUpdates, 255)));
  CHECK(longest.frames > 2);
  CHECK(longest.numbers.size() == kMaxBatchUpdates);
}

TEST_CASE("a record with a body outside its cell is written and read like any other") {
  Store store(1);
  herd::protocol::Update update = sample_update("kiwi");
  REQUIRE(store.merge(update, kFromClient) == Store::Merged::Changed);
  update.coordinates = "+12.123456789012345-123.123456789012345";
  update.time_text = "1520023934.918963997";
  update.time = herd::protocol::Nanoseconds{1'520'023'934'918'963'997};
  update.difference = herd::protocol::Nanoseconds::min();
  update.epoch = 7;
  update.id.number = UINT64_MAX;
  REQUIRE(store.merge(update, kFromClient) == Store::Merged::Changed);
  REQUIRE((store.packed_at(0).head.form & RecordHead::kOutgrown) != 0);
  const std::string text = written(store);
  FrameReader reader(text);
  const Frame frame = reader.next();
  const auto* records = std::get_if<RecordsFrame>(&frame);
  REQUIRE(records);
  REQUIRE(records->records.size() == 1);
  CHECK(records->records[0].update.coordinates == update.coordinates);
  CHECK(records->records[0].update.time_text == update.time_text);
  CHECK(records->records[0].update.difference == update.difference);
  CHECK(records->records[0].update.epoch == 7);
  CHECK(records->records[0].update.id.number == UINT64_MAX);
}

TEST_CASE("if the last payload is incomplete, the frames before it are read") {
  std::string text;
  FrameWriter writer;
  writer.run(text, {77, 0});
  const std::size_t first = text.size();
  writer.mark(text, {3, {}});
  for (std::size_t size = first; size < text.size(); ++size) {
    const Read torn = read(std::string_view(text).substr(0, size));
    REQUIRE(torn.end);
    CHECK(torn.end->valid_bytes == first);
    CHECK(torn.end->sequence == 1);
  }
}

TEST_CASE("an unreadable frame before a valid one is damage, reported with its offset") {
  std::string text;
  FrameWriter writer;
  writer.run(text, {77, 0});
  const std::size_t second = text.size();
  writer.mark(text, {3, {}});
  writer.mark(text, {4, {}});
  text[second + kFrameHeadBytes] ^= 1;
  const Read all = read(text);
  REQUIRE(all.damaged);
  CHECK(all.damaged->offset == second);
}

TEST_CASE("a missing frame is damage, although all other frames are intact") {
  std::string text;
  FrameWriter writer;
  writer.run(text, {77, 0});
  const std::size_t second = text.size();
  writer.mark(text, {3, {}});
  const std::size_t third = text.size();
  writer.mark(text, {4, {}});
  CHECK(read(text.substr(0, second) + text.substr(third)).damaged);
}

TEST_CASE("a frame of an older file after the end does not count as a valid frame of this journal") {
  std::string older;
  FrameWriter writer;
  writer.run(older, {77, 0});
  const std::size_t first = older.size();
  writer.mark(older, {3, {}});
  std::string text = older + "torn" + older.substr(0, first);
  const Read all = read(text);
  REQUIRE(all.end);
  CHECK(all.end->valid_bytes == older.size());
}

TEST_CASE("after rewind() the next frame gets the same sequence number") {
  std::string text;
  std::string lost;
  FrameWriter writer;
  writer.run(text, {77, 0});
  const std::uint64_t before = writer.sequence();
  writer.mark(lost, {3, {}});
  writer.rewind(before);
  writer.mark(text, {4, {}});
  const Read all = read(text);
  REQUIRE(all.end);
  CHECK(all.end->valid_bytes == text.size());
}

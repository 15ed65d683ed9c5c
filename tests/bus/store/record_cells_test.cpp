// Cells hold ids of every length and bodies of every size.
#include "bus/store/record_cells.hpp"

#include <string>
#include <vector>

#include "protocol/limits.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

RecordBody body_of(std::size_t size, char byte) {
  RecordBody body;
  body.bytes.fill(byte);
  body.size = size;
  return body;
}

std::string text_of(const RecordCells& cells, RecordIndex index, std::size_t size) {
  return {cells.at(index).body, size};
}

}  // namespace

TEST_CASE("ids of every length have cells of their own, also after the first block is full") {
  RecordCells cells;
  std::vector<std::string> clients;
  std::vector<RecordIndex> indexes;
  for (std::size_t i = 0; i < 5000; ++i) {
    const std::size_t length = 1 + (i < 3000 ? i % herd::protocol::kMaxClientBytes : 7);
    clients.push_back(std::to_string(i));
    clients.back().resize(std::max(length, clients.back().size()), 'x');
    indexes.push_back(cells.create(clients.back()));
    cells.chain(indexes.back(), static_cast<Bucket>(i % herd::protocol::kBuckets), static_cast<RecordIndex>(i));
    cells.put(indexes.back(), {}, body_of(20 + i % 10, static_cast<char>('a' + i % 26)));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    REQUIRE(cells.client(indexes[i]) == clients[i]);
    REQUIRE(cells.at(indexes[i]).client == clients[i]);
    REQUIRE(text_of(cells, indexes[i], 20 + i % 10) == std::string(20 + i % 10, static_cast<char>('a' + i % 26)));
    REQUIRE(cells.next_in_bucket(indexes[i]) == i);
    REQUIRE(cells.bucket(indexes[i]) == i % herd::protocol::kBuckets);
    REQUIRE(cells.has(indexes[i]));
    cells.prefetch(indexes[i]);
  }
}

TEST_CASE("a body may grow and shrink without changing its neighbours") {
  for (const std::size_t length : {1U, 4U, 5U, 8U, 24U, 255U}) {
    INFO("ids of " << length << " bytes");
    RecordCells cells;
    const std::string client(length, 'c');
    const RecordIndex left = cells.create(client);
    const RecordIndex index = cells.create(client);
    const RecordIndex right = cells.create(client);
    cells.put(left, {}, body_of(30, 'l'));
    cells.put(right, {}, body_of(30, 'r'));
    for (std::size_t size = 0; size <= RecordBody::kMaxBytes; ++size) {
      RecordHead head;
      head.by = static_cast<PeerIndex>(size);
      cells.put(index, head, body_of(size, 'm'));
      REQUIRE(text_of(cells, index, size) == std::string(size, 'm'));
      REQUIRE(cells.at(index).head.by == size);
    }
    cells.put(index, {}, body_of(10, 's'));
    CHECK(text_of(cells, index, 10) == "ssssssssss");
    CHECK(cells.client(index) == client);
    CHECK(text_of(cells, left, 30) == std::string(30, 'l'));
    CHECK(text_of(cells, right, 30) == std::string(30, 'r'));
  }
}

TEST_CASE("has() is false for an index that create() never returned") {
  RecordCells cells;
  CHECK_FALSE(cells.has(0));
  const RecordIndex first = cells.create("kiwi");
  const RecordIndex other = cells.create("a longer client");
  CHECK(cells.has(first));
  CHECK(cells.has(other));
  for (const std::uint64_t index : {first + 1U, other + 1U, other + 1024U, UINT32_MAX}) CHECK_FALSE(cells.has(index));
  CHECK_FALSE(cells.has((std::uint64_t{1} << 32U) + first));
  CHECK_FALSE(cells.has(UINT64_MAX));
}

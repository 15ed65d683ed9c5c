#include "bus/store/digest.hpp"

#include <set>
#include <string>

#include "bus/store/store.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::kBuckets;
using herd::protocol::Update;

namespace {

std::uint64_t sum_of_all(const Store& store) {
  std::uint64_t sum = 0;
  for (const std::uint64_t bucket : store.digests().sums()) sum += bucket;
  return sum;
}

void fill(Store& store, int from, int to) {
  for (int i = from; i < to; ++i) {
    const std::string client = "client" + std::to_string(i);
    (void)store.merge(sample_update(client, store.feed().tail() + 1), kFromClient);
  }
}

}  // namespace

TEST_CASE("the sums of the buckets add up to the digest, also after changes") {
  Store store(1);
  fill(store, 0, 10'000);
  CHECK(sum_of_all(store) == store.digest());
  Update newer = sample_update("client7", 20'000);
  newer.time = 9s;
  const std::uint64_t before = store.digest();
  REQUIRE(store.merge(newer, kFromClient) == Store::Merged::Changed);
  CHECK(store.digest() != before);
  CHECK(sum_of_all(store) == store.digest());
}

TEST_CASE("a change affects the sum of its client's bucket only") {
  Store store(1);
  fill(store, 0, 5'000);
  const auto before = store.digests().sums();
  Update newer = sample_update("client7", 20'000);
  newer.time = 9s;
  REQUIRE(store.merge(newer, kFromClient) == Store::Merged::Changed);
  for (Bucket bucket = 0; bucket < kBuckets; ++bucket) {
    CHECK((store.digests().sums()[bucket] != before[bucket]) == (bucket == bucket_of("client7")));
  }
}

TEST_CASE("sums depend neither on the order of changes nor on the hash seed of the store") {
  Store one(1);
  Store other(2);
  fill(one, 0, 1'000);
  fill(other, 500, 1'000);
  fill(other, 0, 500);
  CHECK(one.digests().sums() == other.digests().sums());
}

TEST_CASE("each record is in the list of its bucket exactly once, newest clients first") {
  Store store(1);
  fill(store, 0, 20'000);
  std::set<RecordIndex> found;
  for (Bucket bucket = 0; bucket < kBuckets; ++bucket) {
    ChangeNumber last = UINT64_MAX;
    for (RecordIndex at = store.digests().first(bucket); at != BucketDigests::kEnd; at = store.next_in_bucket(at)) {
      CHECK(bucket_of(store.record_at(at).client) == bucket);
      CHECK(store.number_of(at) < last);  // each client reported once
      last = store.number_of(at);
      found.insert(at);
    }
  }
  CHECK(found.size() == store.size());
}

TEST_CASE("the bucket of a client and the hash of a record are the same on every machine") {
  CHECK(bucket_of("kiwi") == 3582);
  RecordView record;
  record.client = "kiwi";
  record.coordinates = "+1-2";
  record.time_text = "5";
  record.time = 5s;
  record.difference = -1ns;
  record.origin = "Hill";
  record.epoch = 3;
  CHECK(hash_of(record.ordered()) == 0xfb54a03b9db5bca1);
}

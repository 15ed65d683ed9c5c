#include "node/area/block_pool.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/catch.hpp"

using herd::node::area::BlockPool;

namespace {

struct Block {
  std::uint32_t number;
  std::size_t units;
  std::uint32_t content;  // of each word
};

Block taken(BlockPool& pool, std::size_t units, std::uint32_t content) {
  const Block block{pool.take(units), units, content};
  std::fill_n(pool.at(block.number), units * BlockPool::kUnitWords, content);
  return block;
}

bool is_intact(const BlockPool& pool, const Block& block) {
  const std::uint32_t* words = pool.at(block.number);
  return std::all_of(words, words + block.units * BlockPool::kUnitWords,
                     [&](std::uint32_t word) { return word == block.content; });
}

}  // namespace

TEST_CASE("blocks of any sizes keep their content, whatever else is taken and given back") {
  BlockPool pool;
  std::mt19937_64 random(3);
  std::vector<Block> blocks;
  std::size_t in_use = 0;
  for (std::uint32_t step = 0; step < 60'000; ++step) {
    const bool grows = blocks.size() < (step % 20'000 < 10'000 ? 4'000 : 100);
    if (blocks.empty() || (grows ? random() % 4 > 0 : random() % 4 == 0)) {
      blocks.push_back(taken(pool, 1 + random() % BlockPool::kMaxUnits, step));
      in_use += blocks.back().units;
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      if (!is_intact(pool, blocks.back())) FAIL("step " << step);
      pool.give_back(blocks.back().number, blocks.back().units);
      in_use -= blocks.back().units;
      blocks.pop_back();
    }
    if (step % 1'000 == 0) REQUIRE(pool.check_invariants() == in_use);
  }
  CHECK(std::all_of(blocks.begin(), blocks.end(), [&](const Block& block) { return is_intact(pool, block); }));
}

TEST_CASE("freed small blocks become large ones, so the memory does not grow") {
  BlockPool pool;
  std::vector<std::uint32_t> small(10'240);
  for (std::uint32_t& block : small) block = pool.take(1);
  const std::size_t memory = pool.memory();
  CHECK(memory < small.size() * 50);
  std::mt19937_64 random(4);
  std::shuffle(small.begin(), small.end(), random);
  for (const std::uint32_t block : small) pool.give_back(block, 1);
  CHECK(pool.check_invariants() == 0);
  for (std::size_t i = 0; i < small.size() / BlockPool::kMaxUnits; ++i) (void)pool.take(BlockPool::kMaxUnits);
  CHECK(pool.memory() == memory);
  CHECK(pool.check_invariants() == small.size());
}

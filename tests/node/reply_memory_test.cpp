#include "node/reply_memory.hpp"

#include "node/limits.hpp"
#include "tests/catch.hpp"

using namespace herd::node;

TEST_CASE("what connections hold is summed up, and the limit falls in two steps") {
  ReplyMemory memory(1000);
  std::size_t one = 0;
  std::size_t two = 0;
  CHECK(memory.limit() == kMaxOutputBytes);
  CHECK(memory.read_bytes() == kReadBufferBytes);
  memory.change(one, 300);
  memory.change(two, 199);
  CHECK(memory.total() == 499);
  CHECK(memory.limit() == kMaxOutputBytes);
  memory.change(two, 200);
  CHECK(memory.limit() == kScarceOutputBytes);
  CHECK(memory.read_bytes() == kScarceReadBytes);
  memory.change(one, 799);
  CHECK(memory.limit() == kScarceOutputBytes);
  memory.change(one, 800);
  CHECK(memory.limit() == 0);
  memory.change(one, 0);
  memory.change(two, 0);
  CHECK(memory.total() == 0);
  CHECK(memory.limit() == kMaxOutputBytes);
}

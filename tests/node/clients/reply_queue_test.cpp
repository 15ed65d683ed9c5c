#include "node/clients/reply_queue.hpp"

#include <memory>
#include <string>
#include <vector>

#include "tests/catch.hpp"

using herd::node::BufferPool;
using herd::node::CommandTimes;
using herd::node::ReplyQueue;

TEST_CASE("without a pending slot a reply is ready at once") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  CHECK(queue.ready_bytes().empty());
  queue.tail() += "one\n";
  queue.tail() += "two\n";
  CHECK(queue.ready_bytes() == "one\ntwo\n");
  CHECK(queue.pending() == 0);
}

TEST_CASE("replies after a slot wait until the slot is filled") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  queue.tail() += "before\n";
  const auto slot = queue.reserve("begin ");
  queue.tail() += "after\n";
  CHECK(queue.ready_bytes() == "before\n");
  CHECK(queue.pending() == 1);
  queue.fill(slot, "end", "\n");
  CHECK(queue.ready_bytes() == "before\nbegin end\nafter\n");
  CHECK(queue.pending() == 0);
}

TEST_CASE("slots filled out of order leave in order") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  const auto first = queue.reserve("1");
  const auto second = queue.reserve("2");
  queue.tail() += "-";
  const auto third = queue.reserve("3");
  queue.fill(third, "c", "");
  queue.fill(second, "b", "");
  CHECK(queue.ready_bytes().empty());
  CHECK(queue.pending() == 1);
  queue.fill(first, "a", "");
  CHECK(queue.ready_bytes() == "1a2b-3c");
}

TEST_CASE("a slot is found by its id after earlier ones have left") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  queue.fill(queue.reserve("1"), "a", "");
  const auto second = queue.reserve("2");
  const auto third = queue.reserve("3");
  queue.fill(second, "b", "");
  queue.tail() += "-";
  queue.fill(third, "c", "");
  CHECK(queue.ready_bytes() == "1a2b3c-");
}

TEST_CASE("sent bytes are removed, and new replies follow the rest") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  queue.tail() += "0123456789";
  queue.sent(3);
  CHECK(queue.ready_bytes() == "3456789");
  queue.tail() += "abc";
  queue.sent(5);
  CHECK(queue.ready_bytes() == "89abc");
  queue.sent(5);
  CHECK(queue.ready_bytes().empty());
}

TEST_CASE("bytes() counts ready and waiting replies, without sent bytes") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  queue.tail() += "0123456789";
  const auto slot = queue.reserve("12");
  queue.tail() += "345";
  CHECK(queue.bytes() == 15);
  queue.sent(4);
  CHECK(queue.bytes() == 11);
  queue.fill(slot, "6", "");
  CHECK(queue.bytes() == 12);
  queue.sent(12);
  CHECK(queue.bytes() == 0);
}

TEST_CASE("memory of sent replies is reused, and the pool holds a bounded number of buffers") {
  BufferPool buffers;
  CommandTimes times;
  std::vector<std::unique_ptr<ReplyQueue>> queues;
  for (std::size_t i = 0; i < BufferPool::kMost + 10; ++i) {
    queues.push_back(std::make_unique<ReplyQueue>(buffers, times));
    queues.back()->tail().append("AT\n");
  }
  for (const auto& queue : queues) queue->sent(3);
  CHECK(buffers.size() == BufferPool::kMost);
  queues.front()->tail().append("IGNORE\n");
  CHECK(buffers.size() == BufferPool::kMost - 1);
  CHECK(queues.front()->ready_bytes() == "IGNORE\n");
}

TEST_CASE("a buffer that a places document has enlarged is reused for places, and not for short replies") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  const std::string document(10 * BufferPool::kBytes, 'x');
  queue.fill(queue.reserve("AT\n"), document, "\n\n");
  const char* const memory = queue.ready_bytes().data();
  queue.sent(queue.ready_bytes().size());
  CHECK(buffers.size() == 1);
  queue.tail().append("IGNORE\n");
  CHECK(queue.ready_bytes().data() != memory);
  CHECK(buffers.size() == 1);
  queue.sent(queue.ready_bytes().size());
  CHECK(buffers.size() == 2);
  queue.fill(queue.reserve("AT\n"), document, "\n\n");
  CHECK(queue.ready_bytes().data() == memory);
  CHECK(buffers.size() == 1);
}

TEST_CASE("memory of a very long reply is freed") {
  BufferPool buffers;
  CommandTimes times;
  ReplyQueue queue(buffers, times);
  queue.tail().append(std::string(BufferPool::kMostBytes + 1, 'x'));
  queue.sent(BufferPool::kMostBytes + 1);
  CHECK(buffers.size() == 0);
}

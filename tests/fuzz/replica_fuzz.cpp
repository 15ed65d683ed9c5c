// A node, Hill, has records of three clients and a HELLO of its peer Smith. Then it receives any messages, from Smith
// or from a stranger. It must not crash, its cursors must stay in order, and it must send a bounded number of messages.
// After it has sent them, no deadline may be in the past, because the loop would spin.
//
// The input is a sequence of messages. Each consists of one byte of flags, one byte for the length of the header, two
// for the length of the body (little-endian), the header and the body. Flags: 1: from a stranger; 2: without a body;
// both: it also comes back over the connection to Smith. The upper six bits, times 8: milliseconds that pass before the
// message; if they are odd, all other connections are closed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bus/link/link_limits.hpp"
#include "bus/replica/replica.hpp"
#include "protocol/assert.hpp"
#include "protocol/sums.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::size_t kMaxMessagesPerIteration = 64;  // all batches in flight and all due messages are far fewer

// Checks that the messages that Hill sends back can be read and are short.
class FewConnections : public Connections {
 public:
  bool are_open = true;

  [[nodiscard]] bool send_back(const std::string&, const std::string& header) override {
    HERD_ASSERT(header.size() <= kMaxBackMessageBytes && decode(header));
    return are_open;
  }
  [[nodiscard]] std::string host() const override { return "192.0.2.1"; }
};

std::size_t take_byte(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

std::string_view take_text(std::string_view& bytes, std::size_t size) {
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(text.size());
  return text;
}

// One loop iteration, with all checks.
void run_once(Replica& replica, Now now) {
  replica.tick(now);
  std::size_t taken = 0;
  while (const auto message = replica.take(0, now)) {
    const auto decoded = decode(message->header);
    ++taken;
    HERD_ASSERT(decoded && taken < kMaxMessagesPerIteration);
    if (!message->body) continue;
    if (std::holds_alternative<Digest>(*decoded)) {
      const auto sums = std::make_unique<Sums>();
      const auto read = decode_sums(*message->body, *sums);
      HERD_ASSERT(read);
      continue;
    }
    Body body;
    const auto read = decode_body(*message->body, body);
    HERD_ASSERT(read && body.unreadable == 0);
  }
  const auto more = replica.take(0, now);
  HERD_ASSERT(!more);
  HERD_ASSERT(replica.send_deadline(0) > now.steady && replica.tick_deadline(now) > now.steady);
  const PeerStatus status = replica.peer_status(0, now);
  HERD_ASSERT(status.cursors.durable <= status.cursors.merged && status.cursors.merged <= status.cursors.sent);
  HERD_ASSERT(status.cursors.sent <= replica.store().feed().tail());
  (void)replica.take_events();
}

void begin(Replica& replica, Now now) {
  for (const char* client : {"kiwi", "plum", "pear"}) {
    (void)replica.accept({client, "+1-2", "5", std::chrono::seconds(5)}, now);
  }
  Hello hello;
  hello.herd = "herd";
  hello.node = "Smith";
  hello.incarnation = 2;
  hello.feed_id = 3;
  hello.attempt = 1;
  hello.clock = now.wall;
  replica.receive({"smith", encode(hello), std::nullopt}, now);
  run_once(replica, now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Replica::Options options{{"herd", "Hill", 1, 1}, {"Smith"}, {.max_in_flight = 2, .max_batch = 1}, 1};
  options.random_id = [next = std::uint64_t{100}]() mutable { return ++next; };
  options.reconcile = {.round_min = 1s, .round_max = 2s, .again = 300ms, .unchanged = 200ms, .answer_within = 500ms};
  Replica replica(options);
  Now now{std::chrono::seconds(100), std::chrono::seconds(1'700'000'000)};
  begin(replica, now);
  FewConnections connections;
  while (!bytes.empty()) {
    const std::size_t kind = take_byte(bytes);
    const std::size_t header_size = take_byte(bytes);
    const std::size_t low = take_byte(bytes);
    const std::size_t body_size = low + 256 * take_byte(bytes);
    const std::string_view header = take_text(bytes, header_size);
    const std::string_view body = take_text(bytes, body_size);
    const auto wait = std::chrono::milliseconds(8 * (kind >> 2U));
    now.steady += wait;
    now.wall += wait;
    connections.are_open = (kind >> 2U) % 2 == 0;
    Incoming incoming{(kind & 1U) != 0 ? "stranger" : "smith", header, std::nullopt, &connections};
    if ((kind & 2U) == 0) incoming.body = body;
    replica.receive(incoming, now);
    if ((kind & 3U) == 3U) replica.receive_back(0, header, now);
    run_once(replica, now);
  }
  replica.check_invariants();
  return 0;
}

// What nodes say to each other. A message is a header frame, and for some a second frame, with updates (body.hpp) or
// with the sums of a store (sums.hpp); docs/PROTOCOL.md has the grammar. Values only: who may say what and when is
// decided in bus/link/link.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::protocol {

// The version that this code speaks, and the oldest that it still understands. A node of version 1 refuses coordinates
// that this one accepts, so a herd of both would diverge.
inline constexpr std::uint32_t kProtocolVersion = 2;
inline constexpr std::uint32_t kOldestProtocolVersion = 2;

// The lives of both ends as the sender of a message knows them.
struct Incarnations {
  std::uint64_t sender = 0;    // the sender's own incarnation
  std::uint64_t receiver = 0;  // the incarnation that the message is meant for
  bool operator==(const Incarnations&) const = default;
};

// Who I am. Everything else is listened to only after a valid one.
struct Hello {
  std::uint32_t oldest_version = kOldestProtocolVersion;
  std::uint32_t version = kProtocolVersion;
  std::string herd;
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint64_t feed_id = 0;
  std::uint64_t attempt = 0;  // the sender's present attempt at this link, from 1
  Nanoseconds clock{};        // the sender's wall clock
  bool answer = false;        // this answers a HELLO, so it wants none itself
  std::uint64_t tail = 0;     // the last change number in the sender's feed: what the first synchronisation waits for
  std::string address;        // the bus address at which peers reach the sender; may be empty. Only shown to people
};

// Where to go on in your feed: answers a HELLO, a batch that leaves a gap, and a message meant for another life.
struct Welcome {
  Incarnations incarnations;
  std::uint64_t feed_id = 0;  // of the receiver, as the sender knows it
  std::uint64_t cursor = 0;   // all changes up to this number are merged
  std::uint64_t attempt = 0;  // of the message that is answered
  std::uint64_t run = 0;      // the receiver's, whose batch moved the cursor last; above 0 where the cursor is
  std::uint64_t written = 0;  // what that batch said
};

// The changes (from, to] of the sender's feed; the body frame holds those that the receiver may lack.
struct Batch {
  Incarnations incarnations;
  std::uint64_t attempt = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t run = 0;      // of the WELCOME that the stream answers
  std::uint64_t written = 0;  // the sender's journal holds its feed up to here
};

struct Ack {
  Incarnations incarnations;
  std::uint64_t attempt = 0;  // of the newest batch that this answers
  std::uint64_t merged = 0;   // all changes up to this number are in memory
  std::uint64_t durable = 0;  // ... and up to this one in a journal; 0 without one
};

// How my store looks: asked with, and answered by one with `answer` and, where the two differ, a frame of sums.
struct Digest {
  Incarnations incarnations;
  std::uint64_t round = 0;   // the asking node's count of its rounds with this peer; an answer repeats it
  bool answer = false;       // else the receiver is asked for its own
  std::uint64_t digest = 0;  // of the sender's store
  std::uint64_t merged = 0;  // all changes of the receiver's feed up to here are in it
};

// Tell me these buckets.
struct Pull {
  Incarnations incarnations;
  std::uint64_t number = 0;            // the asking node's count of its pulls from this peer; an answer repeats it
  std::uint64_t position = 0;          // where to go on in the first bucket, as the last answer said; 0: from its start
  std::vector<std::uint32_t> buckets;  // 1 to kMaxPulledBuckets, each below kBuckets
};

// Some of the records that were pulled, in a body frame.
struct Answer {
  Incarnations incarnations;
  std::uint64_t number = 0;    // of the PULL
  std::uint64_t done = 0;      // so many of its buckets have been told whole
  std::uint64_t position = 0;  // where the next one goes on; 0: at its start
};

struct Ping {
  std::uint64_t nonce = 0;
  Nanoseconds clock{};
};

struct Pong {
  std::uint64_t nonce = 0;  // of the PING
  Nanoseconds clock{};      // the answering node's wall clock
};

// A clean leave: nothing more comes from this life.
struct Bye {
  std::uint64_t incarnation = 0;
};

// Another process claims the receiver's name too. The only message that goes from a ROUTER to a DEALER.
struct Conflict {
  Incarnations incarnations;
  bool keeps_name = false;              // the receiver keeps the name; else the other process has it
  std::uint64_t other_incarnation = 0;  // of the other process
  std::string other_address;            // the bus address that its HELLO names; may be empty
  std::string other_host;               // the host from which the sender sees its connection come; may be empty
};

// A type that this version does not know: to be counted and ignored.
struct UnknownMessage {
  std::uint64_t type = 0;
};

using Message =
    std::variant<Hello, Welcome, Batch, Ack, Digest, Pull, Answer, Ping, Pong, Bye, Conflict, UnknownMessage>;

// The header frame of any message but UnknownMessage.
[[nodiscard]] std::string encode(const Message& message);

// Any bytes may be given. An array longer than expected is accepted (room to grow); a shorter one, another shape, a
// name or a bucket out of bounds, a cursor of no run or trailing bytes are an Error. An address or a host that is none
// is read as empty.
[[nodiscard]] Result<Message> decode(std::string_view header);

// For logs and counters: "hello", "batch", ...
[[nodiscard]] std::string_view name_of(const Message& message);

// 1 to kMaxNameBytes bytes of [A-Za-z0-9_-]: the names of nodes and herds.
[[nodiscard]] bool is_name(std::string_view text);

// At most kMaxAddressBytes bytes of printable ASCII without blanks, quotes and backslashes, so that it can stand in a
// log line as it is. The empty text is one: nothing is known.
[[nodiscard]] bool is_shown_address(std::string_view text);

}  // namespace herd::protocol

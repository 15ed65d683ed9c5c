// The messages between nodes. A message is a header frame; some have a second frame with updates (body.hpp) or with the
// sums of a store (sums.hpp). docs/PROTOCOL.md has the grammar and the meaning of every field. This file only converts
// between structs and bytes; bus/link/link.hpp decides when a message is sent and accepted. Pure; any thread.
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

// The protocol version of this code, and the oldest version that it still accepts. A node of version 1 refuses
// coordinates that this version accepts, so the stores of a mixed herd would diverge.
inline constexpr std::uint32_t kProtocolVersion = 2;
inline constexpr std::uint32_t kOldestProtocolVersion = 2;

// The incarnations of both ends of a link, as the sender of a message knows them.
struct Incarnations {
  std::uint64_t sender = 0;    // the sender's own incarnation
  std::uint64_t receiver = 0;  // the incarnation that the message is meant for
  bool operator==(const Incarnations&) const = default;
};

// Introduces the sender. Other messages of a peer are accepted only after a valid HELLO.
struct Hello {
  std::uint32_t oldest_version = kOldestProtocolVersion;
  std::uint32_t version = kProtocolVersion;
  std::string herd;
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint64_t feed_id = 0;
  std::uint64_t attempt = 0;  // the number of the sender's handshake on this link, from 1
  Nanoseconds clock{};        // the sender's wall clock
  bool answer = false;        // answers a HELLO, and is itself answered by WELCOME only
  std::uint64_t tail = 0;  // the highest change number of the sender's feed; the first synchronisation reads up to it
  std::string address;     // the bus address that peers connect to; may be empty. Only shown to people
};

// States the cursor from which the receiver continues to send its feed. Answers a HELLO, a batch that leaves a gap, and
// a message for another incarnation.
struct Welcome {
  Incarnations incarnations;
  std::uint64_t feed_id = 0;  // of the receiver's feed, as the sender knows it
  std::uint64_t cursor = 0;   // the sender has merged all changes up to this number
  std::uint64_t attempt = 0;  // of the message that this answers
  std::uint64_t run = 0;  // the receiver's run that sent the batch which moved the cursor last; 0 only with cursor 0
  std::uint64_t written = 0;  // Batch::written of that batch
};

// The changes (from, to] of the sender's feed. The body frame contains those that the receiver may not have.
struct Batch {
  Incarnations incarnations;
  std::uint64_t attempt = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t run = 0;      // Welcome::run of the WELCOME that began this stream
  std::uint64_t written = 0;  // the sender's journal contains its feed up to this number
};

// Acknowledges batches: moves the cursor up to which the receiver has its own feed acknowledged on this link.
struct Ack {
  Incarnations incarnations;
  std::uint64_t attempt = 0;  // of the newest batch that this answers
  std::uint64_t merged = 0;   // all changes up to this number are merged into the store
  std::uint64_t durable = 0;  // all changes up to this number are in the sender's journal; 0 without a journal
};

// Compares two stores. A node sends its digest; the peer answers with its own, and adds a frame of sums if they differ.
struct Digest {
  Incarnations incarnations;
  std::uint64_t round = 0;   // the asking node's count of its rounds with this peer; an answer repeats it
  bool answer = false;       // false: the receiver must answer with its digest
  std::uint64_t digest = 0;  // of the sender's store
  std::uint64_t merged = 0;  // that store contains all changes of the receiver's feed up to this number
};

// Requests the records of some buckets.
struct Pull {
  Incarnations incarnations;
  std::uint64_t number = 0;            // the asking node's count of its pulls from this peer; an answer repeats it
  std::uint64_t position = 0;          // where to continue in the first bucket: Answer::position; 0: at its start
  std::vector<std::uint32_t> buckets;  // 1 to kMaxPulledBuckets, each below kBuckets
};

// Contains some of the requested records, in a body frame.
struct Answer {
  Incarnations incarnations;
  std::uint64_t number = 0;    // of the PULL
  std::uint64_t done = 0;      // the number of its buckets that were sent completely
  std::uint64_t position = 0;  // where to continue in the next bucket; 0: at its start
};

struct Ping {
  std::uint64_t nonce = 0;
  Nanoseconds clock{};  // the sender's wall clock
};

// The state of one node at one moment, as that node reports it to its peers and they pass it on. Only shown to people.
struct NodeReport {
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint64_t uptime_ms = 0;      // at that moment; it rises from report to report of an incarnation
  std::uint64_t age_ms = 0;         // time since that moment, without the time on the wire
  bool ready = false;               // as /readyz
  std::uint64_t clients = 0;        // number of records
  std::uint64_t digest = 0;         // of all records
  std::uint64_t peers_up = 0;       // links that are up
  std::uint64_t peers = 0;          // links
  std::uint64_t updates_per_s = 0;  // changes of the store in the second before
  bool operator==(const NodeReport&) const = default;
};

struct Pong {
  std::uint64_t nonce = 0;            // of the PING
  Nanoseconds clock{};                // the answering node's wall clock
  std::vector<NodeReport> reports{};  // at most kMaxNodes
};

// The last message of an incarnation, when its node stops.
struct Bye {
  std::uint64_t incarnation = 0;
};

// Reports that another process claims the receiver's name too. The only message from a ROUTER to a DEALER.
struct Conflict {
  Incarnations incarnations;
  bool keeps_name = false;              // the receiver keeps the name; else the other process has it
  std::uint64_t other_incarnation = 0;  // of the other process
  std::string other_address;            // the bus address that its HELLO names; may be empty
  std::string other_host;               // the remote host of its connection to the sender; may be empty
};

// A type that this version does not know. It is counted and ignored.
struct UnknownMessage {
  std::uint64_t type = 0;
};

using Message =
    std::variant<Hello, Welcome, Batch, Ack, Digest, Pull, Answer, Ping, Pong, Bye, Conflict, UnknownMessage>;

// Returns the header frame of a message; empty for an UnknownMessage.
[[nodiscard]] std::string encode(const Message& message);

// Decodes any bytes. Accepts an array longer than expected, for later versions. Returns an Error for a shorter array,
// another shape, an invalid name or bucket, more than kMaxNodes reports, a cursor above 0 without a run, or trailing
// bytes. Reads an invalid address or host as empty.
[[nodiscard]] Result<Message> decode(std::string_view header);

// Returns the name of the message's type for logs and counters: "hello", "batch", ...
[[nodiscard]] std::string_view name_of(const Message& message);

// Whether `text` can be shown in a log line as it is: at most kMaxAddressBytes bytes of printable ASCII without blanks,
// quotes and backslashes. True for the empty text, which means that the address is not known.
[[nodiscard]] bool is_shown_address(std::string_view text);

}  // namespace herd::protocol

// The replica: this node's copy of the herd's data, and the protocol that keeps it equal to its peers'. It owns the
// store and, for each peer, a link (bus/link/link.hpp) and a reconciler (bus/link/reconciler.hpp). The facade that the
// loop calls; its parts are:
//
//   BodyMerger       merges what peers send into the store
//   BatchSender      composes the batches for peers from the store
//   Peers            the link to each peer, and which process holds its name
//   OwnName          whether this process may act under its own name
//   JournalPlanner   what the next flush of the journal writes
//   EventCollector   what happened, for the node to log and count
//
// One loop iteration calls it in this order: accept() for each report of a client, receive() for each message, tick(),
// then take() for each peer while its socket is writable, then take_events(). When the journal is idle, begin_flush()
// gives it the next flush, and flush_written() or flush_failed() reports the result. Replies to clients wait for
// acknowledged().
//
// Pure: time is passed in, messages are taken out, nothing blocks, no file or socket is touched. In production the bus
// (bus/zmq/bus.hpp) connects it to ZeroMQ; the simulator (tests/sim) runs the same code on a virtual network. Owned by
// the node; loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/journal/journal_planner.hpp"
#include "bus/journal/recovery.hpp"
#include "bus/link/link.hpp"
#include "bus/link/outgoing.hpp"
#include "bus/replica/batch_sender.hpp"
#include "bus/replica/body_merger.hpp"
#include "bus/replica/claims.hpp"
#include "bus/replica/connections.hpp"
#include "bus/replica/event_collector.hpp"
#include "bus/replica/events.hpp"
#include "bus/replica/node_reports.hpp"
#include "bus/replica/own_name.hpp"
#include "bus/replica/peers.hpp"
#include "bus/replica/recent_bodies.hpp"
#include "bus/store/record.hpp"
#include "bus/store/store.hpp"
#include "protocol/command.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// What became of a client's report.
enum class Accepted : std::uint8_t {
  Stored,     // it is newer than the record, or the client's first
  Duplicate,  // coordinates and time text are those of the record; not stored
  NotNewer,   // it is older, or has the record's time with other texts; not stored
};

struct AcceptOutcome {
  Accepted result = Accepted::Stored;
  protocol::Nanoseconds difference{};  // this node's clock minus the client's time
  // The change number of the client's record; of the newer one if the report was not stored. The reply may leave when
  // Replica::acknowledged() is at least this number.
  ChangeNumber number = 0;
};

// What became of an operator's reset of a client.
enum class Reset : std::uint8_t {
  Done,      // the next report of the client with a time above 0 is stored
  Already,   // the client was reset before, and has not reported since
  Unknown,   // there is no record of the client
  TooOften,  // the client's last epoch, 2^32-1, is in use
};

struct ResetOutcome {
  Reset reset = Reset::Done;
  std::uint32_t epoch = 0;  // of the record after the call
  ChangeNumber number = 0;  // as in AcceptOutcome
};

// What the reply to an IAMAT waits for. By default for nothing.
struct Durability {
  bool journal = false;      // the record must be in this node's journal
  std::size_t replicas = 0;  // and in the journals of this many peers; while there are fewer peers, no reply leaves
};

// A received message. Its sender is not known to be a peer, and its bytes may be anything.
struct Incoming {
  std::string_view route;                // the connection that it came by: the ROUTER's identity frame
  std::string_view header;               // the header frame
  std::optional<std::string_view> body;  // the body frame, if there is one
  Connections* connections = nullptr;    // to ask about other routes; nullptr: they all count as closed
  // The node to which the key of the connection belongs (rule 25), empty if it belongs to none any more; nullopt: the
  // bus is not encrypted.
  std::optional<std::string_view> authenticated = std::nullopt;
};

struct PeerStatus {
  std::string name;
  Connected state = Connected::Down;
  SendingStream::Cursors cursors;       // in this node's feed
  std::size_t lag = 0;                  // records that changed after cursors.merged; the peer lacks no others
  protocol::Nanoseconds round_trip{};   // 0: not measured yet
  protocol::Nanoseconds skew{};         // the peer's clock minus this node's
  std::optional<Claimant> contender{};  // another process that claims the peer's name, and was refused lately
  Traffic sent{};
  Traffic received{};
};

class Replica {
 public:
  struct Options {
    Self self;                       // names as configured; the incarnation is random; a recovered feed id wins
    std::vector<std::string> peers;  // their names; at most kMaxNodes - 1
    LinkLimits limits;
    std::uint64_t hash_seed = 0;  // of an empty store; random in production
    Durability durability{};
    JournalPlannerLimits planner{};
    ReconcileLimits reconcile{};
    std::uint64_t jitter_seed = 0;      // of the times of reconciliation rounds; random in production
    protocol::Nanoseconds name_wait{};  // kNameWait in production; 0: acknowledge at once
    // Draws an incarnation or a feed id, never 0. In production it must ask the operating system: if the memory of the
    // process is set back, as in a virtual machine that is rolled back, it must not draw the same ids again. A replica
    // without peers needs none.
    std::function<std::uint64_t()> random_id{};
    // What nodes report about themselves: sent and received in PONGs. Must outlive the replica; nullptr: no reports.
    NodeReports* reports = nullptr;
    // Where to count how long the updates that changed the store took: from the origin's clock when it accepted the
    // report, to this node's clock when it merged the update. Not corrected for a skew of the clocks. An update that
    // waited for a link that was down counts with that wait. Must outlive the replica; nullptr: nowhere.
    protocol::DurationHistogram* propagation = nullptr;
  };
  // Starts with an empty store.
  explicit Replica(const Options& options);
  // Starts with the state that recovery read from a journal, which includes the feed id.
  Replica(Options options, RecoveredState recovered);
  Replica(const Replica&) = delete;  // its parts refer to each other
  Replica& operator=(const Replica&) = delete;

  [[nodiscard]] const Self& self() const { return *self_; }

  // A client's report. The caller has checked its bounds, also that its time is not too far in the future. `client`:
  // the key of the report's client in store(), for callers that have looked it up before.
  AcceptOutcome accept(const protocol::Iamat& report, protocol::Now now, const Store::ClientKey& client);
  AcceptOutcome accept(const protocol::Iamat& report, protocol::Now now) {
    return accept(report, now, store_.key_of(report.client));
  }

  // An operator resets a client: its record is replaced by one of the next epoch, without coordinates and with time 0,
  // so any report with a time above 0 is newer (rule 18). `client` must be a valid client id.
  ResetOutcome reset(std::string_view client, protocol::Now now);

  // The newest record of a client. Valid until the next call of accept(), reset() or receive().
  [[nodiscard]] std::optional<RecordView> find(std::string_view client) const { return store_.find(client); }

  // ---- peers ----
  // Peers come and go while the node runs (rules 27 to 30). A link has a number, by which the other functions name its
  // peer; it does not change. The links of Options::peers have the numbers from 0 in their order.
  //
  // Adds a peer, which must not be one already; at most kMaxNodes - 1 peers. Returns the link's number, which may have
  // been that of a removed peer. The link begins as at the start of the node: down, with a HELLO due.
  PeerIndex add_peer(std::string name);
  // Removes a peer: its link ends, its messages are those of a stranger from now on, and what it proved, refused or
  // acknowledged is void. The records that came from it stay. Its connections are the bus's to close.
  void remove_peer(PeerIndex peer, protocol::Now now);
  // To read them; their numbers are those of the links.
  [[nodiscard]] const Peers& peers() const { return peers_; }

  // Handles a message that came out of the ROUTER. Any bytes are allowed.
  void receive(const Incoming& incoming, protocol::Now now);

  // Handles a message that came back over the connection to this peer, on which peers send only CONFLICT. Any bytes are
  // allowed.
  void receive_back(PeerIndex peer, std::string_view header, protocol::Now now);

  // Counts a message with a wrong checksum (bus/zmq/checksum.hpp). Its loss is repaired as that of a message that never
  // came.
  void receive_damaged();

  // Handles timeouts, begins reconciliation rounds, and notes events. Call it once per loop iteration, after all
  // messages were received and before messages are taken.
  void tick(protocol::Now now);

  // The next message for a peer, or nullopt if there is none now. It counts as sent, so call this only when the peer
  // can be sent to.
  [[nodiscard]] std::optional<Outgoing> take(PeerIndex peer, protocol::Now now);

  // False: take() would return nullopt. May be a false positive. Much cheaper than asking a socket whether it is
  // writable, so call it first.
  [[nodiscard]] bool wants_to_send(PeerIndex peer, protocol::Now now) const {
    return peers_[peer].link.wants_to_send(now, store_.feed().tail()) || peers_[peer].reconciler.wants_to_send();
  }

  // Replies up to this change number may leave: their records are as durable as durability() demands. It falls to 0
  // while may_acknowledge() is false, and may fall at set_replicas().
  [[nodiscard]] ChangeNumber acknowledged() const { return acknowledged_; }
  // False while another process has, or may have, this node's name. Then the node is not ready either.
  [[nodiscard]] bool may_acknowledge() const { return own_name_.may_acknowledge(); }
  // The newest report of a peer about another process with this node's name.
  [[nodiscard]] std::optional<OwnName::Report> name_report(protocol::Now now) const { return own_name_.report(now); }
  // Replies wait for the journals of this many peers from now on, also those that wait already. `limits`: how the links
  // acknowledge, as in Peers::acknowledge_as().
  void set_replicas(std::size_t replicas, const LinkLimits& limits);
  // A reply waits for this number: peers are asked again how far their journals are. 0: no reply waits.
  void await(ChangeNumber number);

  // The journal's side (bus/journal/journal_planner.hpp). One flush at a time: after begin_flush() or
  // finish_compaction(), call flush_written() or flush_failed() exactly once before the next. The strings are the bytes
  // to append to the file.
  [[nodiscard]] bool wants_flush() const {
    return planner_.wants_records(store_) || planner_.wants_run() || planner_.wants_cursors(peer_cursors());
  }
  [[nodiscard]] std::string begin_flush() { return planner_.begin_flush(store_, peer_cursors()); }
  [[nodiscard]] std::string finish_compaction() { return planner_.finish_compaction(store_, peer_cursors()); }
  [[nodiscard]] std::string compaction_chunk() { return planner_.compaction_chunk(store_); }
  void flush_written();
  void flush_failed() { planner_.flush_failed(store_); }
  [[nodiscard]] JournalPlanner& planner() { return planner_; }
  [[nodiscard]] const JournalPlanner& planner() const { return planner_; }

  // The BYE for each peer when the node stops. Take no further messages after it.
  [[nodiscard]] Outgoing farewell() const;

  // The steady time at which tick() must be called again; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(protocol::Now now) const;
  // The steady time at which take() has a message for the peer, if it can be sent to; max() for never.
  [[nodiscard]] protocol::Nanoseconds send_deadline(PeerIndex peer) const;

  [[nodiscard]] Connected connected(PeerIndex peer, protocol::Now now) const {
    return peers_[peer].link.connected(now);
  }
  [[nodiscard]] PeerStatus peer_status(PeerIndex peer, protocol::Now now) const;
  // True if, for each peer, everything that its feed contained at its first HELLO is merged here.
  [[nodiscard]] bool synchronised() const;

  // The events since the last call.
  [[nodiscard]] Events take_events() { return events_.take(); }
  [[nodiscard]] const ReplicaCounters& counters() const { return events_.counters(); }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] const Durability& durability() const { return durability_; }

  // Asserts that the store, the links and the routes have legal states and agree. O(n) of the records, as
  // Store::check_invariants().
  void check_invariants() const;

 private:
  // A message from a peer: the peer, its index, and the message's frames.
  struct FromPeer {
    Peer& peer;
    PeerIndex index = 0;
    const Incoming& incoming;
    protocol::Now now;
  };

  [[nodiscard]] static BodyMerger::Received body_of(const FromPeer& from) {
    return {from.index, from.peer.name, from.incoming.body, from.now.wall};
  }
  [[nodiscard]] std::optional<Outgoing> next_message(PeerIndex peer, protocol::Now now);

  [[nodiscard]] protocol::UpdateId next_id() const;
  ChangeNumber store_own(const protocol::Update& update, const Store::Slot& slot);
  void renew_if_foreign(CursorClaim claim, const Peer& peer, protocol::Now now);
  void renew_feed(const Peer& peer, protocol::Now now);

  void receive_hello(const Incoming& incoming, const protocol::Hello& hello, protocol::Now now);
  void accept_claim(PeerIndex index, const Claims::Claim& claim, protocol::Now now);
  [[nodiscard]] static bool may_be(const Incoming& incoming, std::string_view name);
  void regain_name(const protocol::Welcome& welcome, const Incoming& incoming, protocol::Now now);
  void note_conflicts(protocol::Now now);

  // Messages of a peer by its accepted route; one function for each type.
  void receive(const FromPeer& from, const protocol::Welcome& welcome);
  void receive(const FromPeer& from, const protocol::Batch& batch);
  void receive(const FromPeer& from, const protocol::Ack& ack);
  void receive(const FromPeer& from, const protocol::Digest& digest);
  void receive(const FromPeer& from, const protocol::Pull& pull);
  void receive(const FromPeer& from, const protocol::Answer& answer);
  void receive(const FromPeer& from, const protocol::Ping& ping) { from.peer.link.receive(ping, from.now); }
  void receive(const FromPeer& from, const protocol::Pong& pong);
  void receive(const FromPeer& from, const protocol::Bye& bye) { from.peer.link.receive(bye, from.now); }
  void receive(const FromPeer& /*from*/, const protocol::Conflict& /*conflict*/) {}  // comes back by a DEALER only
  void receive_conflict(PeerIndex index, const protocol::Conflict& conflict, protocol::Now now);

  [[nodiscard]] std::vector<PeerCursor> peer_cursors() const;
  void update_acknowledged();
  [[nodiscard]] std::size_t lag_of(const Peer& peer) const;

  std::unique_ptr<Self> self_;  // links hold a pointer to it
  std::function<std::uint64_t()> random_id_;
  Durability durability_;
  Store store_;
  JournalPlanner planner_;
  ChangeNumber acknowledged_ = 0;                     // max() if replies wait for nothing
  std::optional<protocol::Nanoseconds> renewal_due_;  // after a renewal: the next one not before this time
  protocol::Nanoseconds renewal_spacing_ = kRenewalSpacing;
  OwnName own_name_;
  Peers peers_;
  NodeReports* reports_;
  EventCollector events_;
  RecentBodies recent_;  // of the sender and the merger
  BodyMerger merger_;
  BatchSender sender_;
};

}  // namespace herd::bus

// One node's part in the herd: its store, and a link to each peer. All that a node decides about updates is decided
// here.
//
// Pure and single-threaded: time comes in, messages go out, nothing blocks. The bus (bus/zmq/bus.hpp) puts ZeroMQ
// around it, the simulator (tests/sim) a virtual network; both run this very code. Called on the loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bus/journal/journal_planner.hpp"
#include "bus/journal/recovery.hpp"
#include "bus/link/link.hpp"
#include "bus/link/outgoing.hpp"
#include "bus/link/reconciler.hpp"
#include "bus/link/seen_set.hpp"
#include "bus/replica/claims.hpp"
#include "bus/replica/connections.hpp"
#include "bus/replica/events.hpp"
#include "bus/replica/own_name.hpp"
#include "bus/replica/recent_bodies.hpp"
#include "bus/store/record.hpp"
#include "bus/store/store.hpp"
#include "protocol/body.hpp"
#include "protocol/command.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

enum class Accepted : std::uint8_t {
  Stored,     // newer than what was known
  Duplicate,  // the same client, coordinates and time text as the record
  NotNewer,   // older, or the same time with other coordinates
};

struct AcceptOutcome {
  Accepted result = Accepted::Stored;
  protocol::Nanoseconds difference{};  // this node's clock minus the client's time
  ChangeNumber number = 0;  // the reply may leave when Replica::acknowledged() has reached it: the record's number,
                            // which for a report that was not stored is that of the newer one
};

enum class Reset : std::uint8_t {
  Done,      // the client is to be heard anew
  Already,   // it was reset before, and has not been heard since
  Unknown,   // no record of it
  TooOften,  // its epochs are used up
};

struct ResetOutcome {
  Reset reset = Reset::Done;
  std::uint32_t epoch = 0;  // of the record now
  ChangeNumber number = 0;  // as in AcceptOutcome
};

// What a reply to an IAMAT waits for.
struct Durability {
  bool journal = false;      // this node's journal must hold it
  std::size_t replicas = 0;  // and the journals of so many peers
};

// A message from somebody: the ROUTER's identity frame, and the one or two frames that were sent.
struct Incoming {
  std::string_view route;
  std::string_view header;
  std::optional<std::string_view> body;
  Connections* connections = nullptr;  // to ask about routes; without it every other one counts as closed
};

struct PeerStatus {
  std::string name;
  Connected state = Connected::Down;
  Link::Cursors cursors;
  ChangeNumber lag = 0;
  protocol::Nanoseconds round_trip{};
  protocol::Nanoseconds skew{};
  std::optional<Claimant> contender{};  // a process that claims the peer's name too, and was refused lately
};

class Replica {
 public:
  struct Options {
    Self self;                       // names as in the configuration; incarnation random, feed id that of the memory
    std::vector<std::string> peers;  // at most kMaxNodes - 1
    LinkLimits limits;
    std::uint64_t hash_seed = 0;  // of a fresh memory; random in production
    Durability durability{};
    JournalPlannerLimits planner{};
    ReconcileLimits reconcile{};
    std::uint64_t jitter_seed = 0;      // of when stores are compared; random in production
    protocol::Nanoseconds name_wait{};  // kNameWait in production; 0: for none
    // Draws an incarnation or a feed id, never 0. It must draw others where the memory of the process is set back to a
    // former state: in production it asks the system. A replica without peers needs none.
    std::function<std::uint64_t()> random_id{};
  };
  // With an empty memory.
  explicit Replica(const Options& options);
  // With what a journal brought back; its feed id counts.
  Replica(Options options, RecoveredState memory);

  [[nodiscard]] const std::string& name() const { return self_->node; }
  [[nodiscard]] const Self& self() const { return *self_; }

  // A client said where it is. Whether its time is too far in the future was judged before.
  // `client` is the one that says it, looked for before.
  AcceptOutcome accept(const protocol::Iamat& said, protocol::Now now, const Store::ClientKey& client);
  AcceptOutcome accept(const protocol::Iamat& said, protocol::Now now) {
    return accept(said, now, store_.key_of(said.client));
  }

  // An operator takes back what is known of a client: a record of the next epoch, without coordinates, which every
  // report is newer than. The client's id must be one.
  ResetOutcome reset(std::string_view client, protocol::Now now);

  // The newest record of a client; good until the replica is next told or hears something.
  [[nodiscard]] std::optional<RecordView> find(std::string_view client) const { return store_.find(client); }

  // Somebody sent a message, any bytes at all.
  void receive(const Incoming& incoming, protocol::Now now);

  // Something came over the connection to this peer, on which it sends nothing but CONFLICT; any bytes at all.
  void receive_back(PeerIndex peer, std::string_view header, protocol::Now now);

  // Something came that was damaged on its way (bus/zmq/checksum.hpp): what is lost is noticed as what never came.
  void receive_damaged();

  // Notices what is overdue. Once a turn, after all was heard and before messages are taken.
  void tick(protocol::Now now);

  // The next message for a peer, or nothing for now. It counts as sent: take it only when the peer can be sent to.
  [[nodiscard]] std::optional<Outgoing> take(PeerIndex peer, protocol::Now now);

  // False: take() would return nothing. Asking costs next to nothing, so ask before the socket is looked at.
  [[nodiscard]] bool wants_to_send(PeerIndex peer, protocol::Now now) const {
    return peers_[peer].link.wants_to_send(now, store_.feed().tail()) || peers_[peer].reconciler.wants_to_send();
  }

  // It has told something, and was not told yet that it has come.
  [[nodiscard]] bool owes_ack(PeerIndex peer) const { return peers_[peer].link.owes_ack(); }

  // The change number up to which replies may leave, as durability demands. 0 while may_acknowledge() is false, so it
  // may descend.
  [[nodiscard]] ChangeNumber acknowledged() const { return acknowledged_; }
  // False while another process has this node's name, or may have it: then the node is not ready either.
  [[nodiscard]] bool may_acknowledge() const { return own_name_.may_acknowledge(); }
  // What peers said lately of another process with this node's name.
  [[nodiscard]] std::optional<OwnName::Report> name_report(protocol::Now now) const { return own_name_.report(now); }
  // A reply waits for this number: peers are asked again what they keep. 0: none does.
  void await(ChangeNumber number);

  // The journal's part, see bus/journal/journal_planner.hpp. A pass is begun when none is under way, and then answered
  // for once.
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

  // A clean leave, for each peer. Nothing should be taken afterwards.
  [[nodiscard]] Outgoing farewell() const;

  // When tick() must be called again, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(protocol::Now now) const;
  // When take() has something to say to a peer that can be sent to; max() for never.
  [[nodiscard]] protocol::Nanoseconds send_deadline(PeerIndex peer) const;

  [[nodiscard]] std::size_t peers() const { return peers_.size(); }
  [[nodiscard]] Connected connected(PeerIndex peer, protocol::Now now) const {
    return peers_[peer].link.connected(now);
  }
  [[nodiscard]] PeerStatus peer_status(PeerIndex peer, protocol::Now now) const;
  // The route is that of a peer's newest HELLO.
  [[nodiscard]] bool is_peer_route(std::string_view route) const { return routes_.contains(std::string(route)); }
  // What each peer held when it was first heard is merged here.
  [[nodiscard]] bool synchronised() const;

  // What happened since the last call.
  [[nodiscard]] Events take_events();
  [[nodiscard]] const ReplicaCounters& counters() const { return counters_; }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] const Durability& durability() const { return durability_; }

 private:
  struct Peer {
    std::string name;
    Link link;
    Reconciler reconciler;
    Claims claims{};                        // with the route by which it is heard
    Connected announced = Connected::Down;  // as the events last said
  };
  [[nodiscard]] protocol::UpdateId next_id() const;
  ChangeNumber store_own(const protocol::Update& update, const Store::Slot& slot);
  void judge(CursorClaim claim, const Peer& peer, protocol::Now now);
  void renew_feed(const Peer& peer, protocol::Now now);
  void receive_hello(const Incoming& incoming, const protocol::Hello& hello, protocol::Now now);
  void accept(PeerIndex index, const Claims::Claim& claim, protocol::Now now);
  [[nodiscard]] bool regains_name(const protocol::Welcome& welcome, const Incoming& incoming, protocol::Now now);
  void note_conflicts(protocol::Now now);
  void receive_batch(Peer& peer, PeerIndex index, const protocol::Batch& batch, const Incoming& incoming,
                     protocol::Now now);
  void receive_answer(Peer& peer, PeerIndex index, const protocol::Answer& answer, const Incoming& incoming,
                      protocol::Now now);
  void receive_digest(Peer& peer, const protocol::Digest& digest, const Incoming& incoming, protocol::Now now);
  [[nodiscard]] bool read_body(const Peer& peer, const Incoming& incoming, std::string_view of);
  enum class Repeats : std::uint8_t { Dropped, Merged };
  std::size_t merge_body(PeerIndex index, Repeats repeats);
  void merge_new_body(PeerIndex index, std::string_view body);
  [[nodiscard]] bool suits(const RecentBodies::Recent& recent, PeerIndex index) const;
  [[nodiscard]] const RecentBodies::Recent* ready_for(PeerIndex index, ChangeNumber number) const;
  [[nodiscard]] ChangeNumber end_for(PeerIndex index, ChangeNumber number) const;
  [[nodiscard]] std::optional<Outgoing> take_batch(PeerIndex index, protocol::Now now);
  [[nodiscard]] std::optional<Outgoing> encode_batch(Link& link, ChangeNumber end, protocol::Now now);
  [[nodiscard]] ChangeNumber encode(const FeedRange& range);
  void refuse(std::string peer, std::string reason);
  [[nodiscard]] std::vector<PeerCursor> peer_cursors() const;
  void update_acknowledged();
  [[nodiscard]] ChangeNumber lag_of(const Peer& peer) const;
  void complain(std::string peer, std::string reason);
  void note_repaired(const std::string& peer, std::size_t records);

  std::unique_ptr<Self> self_;  // links refer to it
  std::function<std::uint64_t()> random_id_;
  Durability durability_;
  Store store_;
  JournalPlanner planner_;
  ChangeNumber acknowledged_ = 0;
  std::optional<protocol::Nanoseconds> renewal_due_;  // after a renewal: no other before
  protocol::Nanoseconds renewal_spacing_ = kRenewalSpacing;
  SeenSet seen_;
  OwnName own_name_;
  std::vector<Peer> peers_;
  std::unordered_map<std::string, PeerIndex> routes_;  // at most one a peer
  protocol::Body body_;                                // reused
  protocol::BodyEncoder encoder_;                      // as well, and empty between two bodies
  RecentBodies recent_;
  Events events_;
  ReplicaCounters counters_;
};

}  // namespace herd::bus

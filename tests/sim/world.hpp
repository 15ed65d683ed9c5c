// A herd of real replicas in virtual time, on a virtual network, under faults that one seed decides. It runs for a
// while under load and faults, then heals, and must come to rest with equal stores that hold all that survived.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/random.hpp"

namespace herd::sim {

// What replies to clients wait for, and so what they promise.
enum class Level : std::uint8_t {
  Memory,    // no journal: a node that dies comes back empty
  Write,     // the journal outlives the process
  Fsync,     // ... and the machine
  Replicas,  // as Write, and one peer's journal holds it too: one node's disk may be lost
};

struct Scenario {
  std::uint64_t seed = 0;
  std::vector<std::vector<NodeIndex>> peers;  // of each node, both directions
  Faults faults;
  bus::LinkLimits limits;
  std::size_t clients = 20;
  std::size_t tells = 300;
  double restarts_a_second = 0;    // of some node, empty
  double resets_a_second = 0;      // of some connection
  double partitions_a_second = 0;  // of some direction, or of both
  double pauses_a_second = 0;      // of some node, which then finds all that came at once
  Level level = Level::Memory;
  double write_failures = 0;  // of a pass: the disk is full
  double copies = 0;          // of the journal, begun instead of a pass
  Nanoseconds write_max{3'000'000};
  bus::JournalPlannerLimits planner;
  bus::ReconcileLimits reconcile;    // as in production, or far more often
  std::size_t replicas = 1;          // at Level::Replicas
  std::optional<NodeIndex> twin_of;  // during each round's load a second process of this node's name runs ...
  bool twin_copies_disk = false;     // ... on a copy of its disk, else on an empty one
  bool twin_stays = false;           // ... and takes its place in the end, else it goes
  std::size_t rounds = 1;            // of load and faults; after each the herd heals, and must be whole
  bool wipes = false;                // now and then a node loses its disk, when what the last one lost is kept again
  double crashes_a_tell = 0;         // of the node that was told, at once
  double backups_a_second = 0;       // of some node's disk, as it is at that moment
  double restores = 0;               // of a restart: a backup, mostly of this node, takes the disk's place before it
  double client_resets = 0;          // by an operator, a tell
  double repeats = 0;                // a client says again what it said, because it saw no reply
  Nanoseconds skew_max{2'000'000};   // of a node's clock, and of a client's
  Nanoseconds time_grain{1};         // of what clients say: a coarse one makes ties
  Nanoseconds partition_max{1'500'000'000};
  Nanoseconds length{3'000'000'000};  // of a round

  // A scenario drawn from the seed alone.
  static Scenario drawn(std::uint64_t seed);
  [[nodiscard]] std::string describe() const;
};

struct Outcome {
  std::string fault;        // empty: none
  std::uint64_t trace = 0;  // a hash of all that happened: equal for equal seeds
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t stored = 0;        // tells that were newer
  std::uint64_t acknowledged = 0;  // replies that left
  std::uint64_t rounds = 0;        // in which two stores were compared
  std::uint64_t pulled = 0;        // buckets that differed for long enough
  std::uint64_t repaired = 0;      // records that cursors had lost
  std::uint64_t restored = 0;      // disks
  std::uint64_t renewed = 0;       // feeds, because of that
  Nanoseconds converged_after{};   // from the heal to equal digests
};

// Updates of as many clients, for cost_of().
struct Load {
  std::size_t updates = 0;
  Nanoseconds apart{};
  bool spread = false;      // told to any node; else to the first
  bool one_by_one = false;  // each only when the one before is everywhere, and acknowledged
};

// What they cost a herd that has nothing else to do. What it says when nobody speaks is subtracted.
struct Cost {
  double messages = 0;       // an update, in the whole herd, acknowledgements included
  double bytes = 0;          // an update, in the whole herd, without TCP's and ZMTP's own
  Nanoseconds everywhere{};  // from the last update until all stores are equal; one by one: the longest
  bool whole = false;        // they did become equal
};

// How new a record is: what a promise is about. An operator's reset begins another epoch.
struct Age {
  std::uint32_t epoch = 0;
  Nanoseconds time{};
  auto operator<=>(const Age&) const = default;
};

inline constexpr std::size_t kMaxBackups = 3;    // of a node: a restored one may be older than the one before it
inline constexpr Nanoseconds kStep{10'000'000};  // how often faults are drawn, and looked whether they are healed

[[nodiscard]] inline std::string node_name(NodeIndex index) {
  return "n" + std::to_string(index);
}

class World {
 public:
  explicit World(const Scenario& scenario);
  Outcome run();
  // Instead of run(); see tests/sim/scale.cpp.
  Cost cost_of(const Load& load);

 private:
  // A reply to an IAMAT: it may leave when `number` is acknowledged.
  struct Reply {
    std::string client;
    Age age;
    bus::ChangeNumber number = 0;
  };
  struct Node {
    std::unique_ptr<bus::Replica> replica;
    std::uint64_t incarnations = 0;
    Nanoseconds paused_until{};
    Nanoseconds skew{};
    std::map<std::string, Age> told;  // to its present life: the newest of each client
    Disk disk;
    std::vector<std::string> backups;  // of the disk, at most kMaxBackups
    std::deque<Reply> waiting;         // replies that may not leave yet
  };
  struct Unblock {
    Nanoseconds at{};
    NodeIndex from = 0;
    NodeIndex to = 0;
  };

  // A node, or the second process of one, which comes after them all.
  [[nodiscard]] Node& at(NodeIndex index) { return index < nodes_.size() ? nodes_[index] : twin_; }
  [[nodiscard]] NodeIndex twin() const { return nodes_.size(); }
  [[nodiscard]] NodeIndex named_as(NodeIndex index) const { return index == twin() ? *scenario_.twin_of : index; }
  void receive(const Delivery& delivery);
  void run_twin();
  [[nodiscard]] bool has_all_links(NodeIndex index) const;
  void begin_twin();
  void end_twin();
  [[nodiscard]] std::string finish_twin(Outcome& outcome);

  [[nodiscard]] protocol::Now now_at(const Node& node) const;
  void birth(NodeIndex index);
  void restart(NodeIndex index);
  [[nodiscard]] bus::RecoveredState remember(Node& node, std::uint64_t fresh_feed_id);
  void begin_write(Node& node);
  void finish_write(Node& node);
  void release_replies(NodeIndex index);
  void deliver_next();
  void pump(NodeIndex index);
  [[nodiscard]] Nanoseconds next_event() const;
  void advance_to(Nanoseconds time);
  void accept();
  [[nodiscard]] Nanoseconds time_said(std::size_t client);
  void wipe(NodeIndex index);
  void note_lost_disk(NodeIndex index);
  void back_up(NodeIndex index);
  void put_back(NodeIndex index);
  void forgive(NodeIndex index, const std::string& backup);
  [[nodiscard]] static Age age_in(const bus::Replica& replica, const std::string& client);
  [[nodiscard]] bool may_wipe(NodeIndex index) const;
  void inject_faults(Nanoseconds step);
  void block_for_a_while();
  void under_load();
  void disturb();
  void accept(NodeIndex index, const protocol::Iamat& iamat);
  void reset_client(NodeIndex index, const std::string& client);
  [[nodiscard]] static bool is_older(const bus::Replica& replica, const std::string& client, const Age& age);
  [[nodiscard]] std::string round(Outcome& outcome);
  void heal();
  [[nodiscard]] bool converged() const;
  Nanoseconds until_everywhere();
  void tell_phone(std::size_t number, NodeIndex index);
  [[nodiscard]] std::string settle(Outcome& outcome);
  [[nodiscard]] std::string rest();
  [[nodiscard]] std::string forgotten() const;
  [[nodiscard]] std::string lost() const;
  [[nodiscard]] std::string unanswered() const;
  void count(const bus::Replica& replica);
  [[nodiscard]] std::string falsely_healed() const;
  [[nodiscard]] std::string falsely_renewed() const;
  [[nodiscard]] Nanoseconds settle_within() const;
  void note(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3ULL; }

  Scenario scenario_;
  Random random_;
  Network network_;
  Nanoseconds time_{1'000'000'000};
  std::vector<Node> nodes_;
  Node twin_;                 // its replica is null while it does not run
  Nanoseconds calm_until_{};  // no faults until then: the second process begins
  std::vector<Nanoseconds> deadlines_;
  std::vector<std::size_t> component_;
  std::vector<Unblock> unblocks_;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
  std::uint64_t stored_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::map<std::pair<std::size_t, std::string>, Age> promised_;  // by component and client: the newest answered
  std::optional<NodeIndex> wiped_;  // lately: the promises of then must be kept there again before another is
  std::map<std::string, Age> wiped_promises_;
  bool disks_fail_ = true;  // as the scenario says
  struct Compared {
    std::uint64_t rounds = 0;
    std::uint64_t pulled = 0;
    std::uint64_t repaired = 0;
    std::uint64_t renewed = 0;
  };
  Compared compared_;  // of lives that are over
  std::uint64_t restored_ = 0;
  std::string refused_;  // why a journal could not be read
};

}  // namespace herd::sim

// The simulator's world: a herd of real nodes in virtual time, on a virtual network, with virtual disks. Each runs the
// production loop (tests/sim/process.hpp). One seed decides load and faults. After a period of both, the faults end,
// and the herd must come to rest: the stores become equal and contain every update that had to survive, all links are
// up, and all replies have left. One thread, no real I/O.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/process.hpp"
#include "tests/sim/random.hpp"

namespace herd::sim {

// What replies to clients wait for, which is what they promise.
enum class Level : std::uint8_t {
  Memory,    // nothing: there is no journal, and a node that dies starts again empty
  Write,     // a written journal: updates survive the death of the process
  Fsync,     // a synced journal: ... and of the machine
  Replicas,  // as Write, also in the journal of a peer: updates survive the loss of one node's disk
};

// The links of each node; each is listed at both nodes.
using Graph = std::vector<std::vector<NodeIndex>>;

struct Scenario {
  std::uint64_t seed = 0;
  Graph peers;  // at the start
  Faults faults;
  bus::LinkLimits limits;
  std::size_t clients = 20;
  std::size_t reports = 300;         // per round
  double restarts_per_second = 0;    // of a random node
  double resets_per_second = 0;      // of a random connection
  double partitions_per_second = 0;  // of one direction of a link, or both
  double pauses_per_second = 0;      // of a random node, which then receives at once what arrived
  Level level = Level::Memory;
  DiskFaults disk_faults;
  double damages_per_second = 0;                          // of a random node's journal, by another program
  std::uint64_t compact_beyond = std::uint64_t{1} << 40;  // a journal longer than this, and than twice its live bytes,
                                                          // is compacted
  bus::JournalPlannerLimits planner;
  bus::ReconcileLimits reconcile;       // as in production, or with far more frequent rounds
  std::size_t replicas = 1;             // at Level::Replicas
  std::optional<NodeIndex> twin_of;     // during each round's load a second process with this node's name runs ...
  bool twin_copies_disk = false;        // ... on a copy of its disk, or else on an empty one
  bool twin_stays = false;              // ... and replaces the first at the end of the round, or else ends itself
  double graph_changes_per_second = 0;  // of the configuration: links and whole nodes come and go
  std::optional<NodeIndex> leaver;      // at the end of each round this node has no links
  std::size_t rounds = 1;               // of load and faults; after each the faults end and the herd is judged
  bool wipes = false;                   // sometimes a node loses its disk, once the last loss is made good (may_wipe())
  double crashes_per_report = 0;        // chance that the node crashes at once after a report
  double backups_per_second = 0;        // of a random node's disk, as it is at that moment
  double copies = 0;                    // chance that a backup is a copy as `herd-node --backup` makes it
  double restores = 0;                  // chance that a backup, mostly of this node, replaces the disk before a restart
  double client_resets = 0;             // chance per report that an operator resets the client
  double repeats = 0;                   // chance that a client repeats its report, as if it had received no reply
  Nanoseconds skew_max{2'000'000};      // maximum error of the clocks of nodes and clients
  Nanoseconds time_grain{1};            // granularity of clients' times; a coarse one causes ties
  Nanoseconds partition_max{1'500'000'000};
  Nanoseconds length{3'000'000'000};  // of a round

  // Draws a scenario. It depends only on the seed.
  static Scenario drawn(std::uint64_t seed);
  [[nodiscard]] std::string describe() const;
};

struct Outcome {
  std::string fault;        // what went wrong; empty: nothing
  std::uint64_t trace = 0;  // a hash of all events: equal for equal seeds
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t stored = 0;        // reports that were newer than the record
  std::uint64_t acknowledged = 0;  // replies that left
  std::uint64_t rounds = 0;        // of reconciliation
  std::uint64_t pulled = 0;        // buckets that differed long enough to be pulled
  std::uint64_t repaired = 0;      // records that only reconciliation delivered
  std::uint64_t restored = 0;      // disks that a backup replaced
  std::uint64_t damaged = 0;       // journals that another program removed or truncated
  std::uint64_t renewed = 0;       // feeds that were renewed because of that
  std::uint64_t reloaded = 0;      // configurations that a running node read because its links had changed
  Nanoseconds converged_after{};   // from the end of the faults to equal digests; the longest of all rounds
};

// The load for cost_of(): updates of different clients.
struct Load {
  std::size_t updates = 0;
  Nanoseconds apart{};      // between two updates
  bool spread = false;      // reported to random nodes; else all to the first
  bool one_by_one = false;  // each only when all nodes have the one before, and it is acknowledged
};

// The cost of this load in a herd without other load. The messages of an idle herd are subtracted.
struct Cost {
  double messages = 0;            // per update, in the whole herd, acknowledgements included
  double bytes = 0;               // per update, in the whole herd, without the overhead of TCP and ZMTP
  Nanoseconds converged_after{};  // from the last update until all stores are equal; with one_by_one: the longest time
  bool converged = false;         // the stores became equal
};

inline constexpr std::size_t kMaxBackups = 3;    // per node; the one that is restored need not be the newest
inline constexpr Nanoseconds kStep{10'000'000};  // how often faults are drawn, and convergence is checked

[[nodiscard]] inline std::string node_name(NodeIndex index) {
  return "n" + std::to_string(index);
}

class World {
 public:
  explicit World(const Scenario& scenario);
  Outcome run();
  // Used instead of run(); see tests/sim/scale.cpp.
  Cost cost_of(const Load& load);

 private:
  struct Node {
    std::unique_ptr<Disk> disk;
    std::unique_ptr<Process> process;  // nullptr: the second process, while it does not run
    std::uint64_t incarnations = 0;
    Nanoseconds paused_until{};
    Nanoseconds skew{};
    std::map<std::string, Age> reported;  // to its present run: the newest report of each client
    std::vector<std::string> backups;     // of the disk, at most kMaxBackups
    bus::ChangeNumber damaged_at = 0;  // another program has damaged the journal, which was durable up to this change

    [[nodiscard]] bus::Replica& replica() const { return process->replica(); }
  };
  struct Unblock {
    Nanoseconds at{};
    NodeIndex from = 0;
    NodeIndex to = 0;
  };

  // A node, or the second process, which has the index after the last node.
  [[nodiscard]] Node& at(NodeIndex index) { return index < nodes_.size() ? nodes_[index] : twin_; }
  [[nodiscard]] NodeIndex twin() const { return nodes_.size(); }
  [[nodiscard]] NodeIndex named_as(NodeIndex index) const { return index == twin() ? *scenario_.twin_of : index; }
  [[nodiscard]] Graph final_graph() const;
  void change_graph(Nanoseconds step);
  void edit_graph();
  void bring_in(NodeIndex index);
  void set_link(NodeIndex a, NodeIndex b, bool linked);
  void reload(NodeIndex index);
  void end_changes();
  void run_twin();
  [[nodiscard]] bool has_all_links(NodeIndex index) const;
  [[nodiscard]] bool sees_all_peers(NodeIndex index) const;
  void begin_twin();
  void end_twin();
  [[nodiscard]] std::string finish_twin(Outcome& outcome);

  [[nodiscard]] protocol::Now now_at(const Node& node) const;
  void start(NodeIndex index);
  void restart(NodeIndex index);
  [[nodiscard]] bus::RecoveredState recover(Node& node, std::uint64_t fresh_feed_id);
  [[nodiscard]] bus::Replica::Options options_of(NodeIndex index);
  void note_answer(const Node& node, NodeIndex name, const Reply& reply);
  void deliver_next();
  void pump(NodeIndex index);
  [[nodiscard]] Nanoseconds next_event() const;
  void advance_to(Nanoseconds time);
  void accept();
  [[nodiscard]] Nanoseconds reported_time(std::size_t client);
  void wipe(NodeIndex index);
  void note_lost_disk(NodeIndex index);
  void back_up(NodeIndex index);
  [[nodiscard]] std::string copy_of(const std::string& journal, NodeIndex index);
  void restore(NodeIndex index);
  void damage(NodeIndex index);
  void drop_promises(NodeIndex index, const std::string& backup);
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
  void end_faults();
  [[nodiscard]] bool converged() const;
  Nanoseconds run_until_converged();
  void report_phone(std::size_t number, NodeIndex index);
  [[nodiscard]] std::string settle(Outcome& outcome);
  [[nodiscard]] std::string rest();
  [[nodiscard]] std::string forgotten() const;
  [[nodiscard]] std::string lost() const;
  [[nodiscard]] std::string unanswered() const;
  void count(const bus::Replica& replica);
  [[nodiscard]] std::string needless_repairs() const;
  [[nodiscard]] std::string needless_renewals() const;
  [[nodiscard]] Nanoseconds settle_within() const;
  void note(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3ULL; }

  Scenario scenario_;                   // `peers`: the links that each node has by its last reload
  Graph graph_;                         // the configuration: the links that each node has after its next reload
  Graph final_;                         // ... at the end of each round, at least
  std::vector<Nanoseconds> reload_at_;  // of each node, if its links in graph_ are others; else max()
  Random random_;
  Network network_;
  Nanoseconds time_{1'000'000'000};
  DiskFaults disk_faults_;  // the scenario's, or none after the end of the faults
  std::vector<Node> nodes_;
  Node twin_;                 // the second process
  Nanoseconds calm_until_{};  // no faults until then, because the second process begins
  std::vector<Nanoseconds> deadlines_;
  std::vector<std::size_t> component_;
  std::vector<Unblock> unblocks_;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
  std::uint64_t iterations_ = 0;  // of the loops of all nodes
  std::uint64_t stored_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::map<std::pair<std::size_t, std::string>, Age> promised_;  // by component and client: the newest answered report
  std::optional<NodeIndex>
      wiped_;  // the last one; wiped_promises_ must be durable there again before the next is wiped
  std::map<std::string, Age> wiped_promises_;
  struct Totals {
    std::uint64_t rounds = 0;
    std::uint64_t pulled = 0;
    std::uint64_t repaired = 0;
    std::uint64_t renewed = 0;
  };
  Totals totals_;  // of the runs that have ended
  std::uint64_t reloaded_ = 0;
  std::uint64_t restored_ = 0;
  std::uint64_t restored_as_is_ = 0;  // of these, journals that were copied byte by byte
  std::uint64_t damaged_ = 0;
  std::string refused_;  // why a journal could not be read
};

}  // namespace herd::sim

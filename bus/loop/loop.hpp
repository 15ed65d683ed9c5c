// The order of one loop iteration. The node and the simulator both run it, so the order that the simulator checks is
// the one of production.
//
// The node handles everything that is ready: commands of clients, admin commands. Then end_iteration() runs, in this
// order:
//
//   1. receive    messages of peers go into the replica
//   2. tick       the replica handles its timeouts
//   3. send       each peer gets what the replica has for it; so an update leaves before it is written
//   4. deliver    answers to places lookups fill their reply slots
//   5. flush      the journal takes the result of a finished job, and begins the next
//   6. release    replies leave when their records are as durable as promised
//   7. report     events go to the log and the monitor
//
// A reply never leaves in an iteration in which a sync of the journal failed, nor after it.
//
// Owned by the node. Pure; loop thread only.
#pragma once

#include "bus/loop/journal.hpp"
#include "bus/loop/pump.hpp"
#include "bus/loop/transport.hpp"
#include "bus/replica/replica.hpp"

namespace herd::bus {

// What an iteration needs of the process around it: the replies to clients, and the reports to operators.
class LoopHost {
 public:
  virtual ~LoopHost() = default;

  // Fills reply slots with what has arrived for them from elsewhere.
  virtual void deliver(protocol::Now now) = 0;
  // The replies that wait for change numbers up to `acknowledged` may leave.
  virtual void release(ChangeNumber acknowledged) = 0;
  // The greatest change number that a reply waits for; 0 if no reply waits.
  [[nodiscard]] virtual ChangeNumber awaited() const = 0;
  // Reports the events of this iteration. True if events are left: the next iteration must begin without waiting.
  [[nodiscard]] virtual bool report(protocol::Now now) = 0;
};

class Loop {
 public:
  struct Parts {
    Replica& replica;
    Transport& transport;
    Journal& journal;
    LoopHost& host;
  };
  // All parts must outlive the loop.
  explicit Loop(const Parts& parts) : parts_(parts), pump_(parts.replica, parts.transport) {}

  // True if work is left: the next iteration must begin without waiting for an event.
  [[nodiscard]] bool end_iteration(protocol::Now now);

  // A sync of the journal failed, so it is unknown which updates are durable. The node must stop now.
  [[nodiscard]] bool disk_lost() const { return disk_lost_; }

  // The steady time at which end_iteration() must be called even if nothing has happened; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(protocol::Now now) const;

 private:
  [[nodiscard]] bool flush(protocol::Now now);
  void release();

  Parts parts_;
  Pump pump_;
  ChangeNumber released_ = 0;  // the replies up to this change number were released
  bool disk_lost_ = false;
};

}  // namespace herd::bus

// Mutants: deliberate faults of the bus. The simulator (tests/sim) and directed tests must detect each of them, which
// proves that they would detect such a fault. Only builds with HERD_MUTANTS contain them. In all other builds mutated()
// is the constant false, and the compiler removes it.
#pragma once

#include <cstdint>

namespace herd::bus {

enum class Mutant : std::uint8_t {
  None,

  // The order of records.
  TiesByArrival,      // of two records with equal time, the one that arrives first stays
  PeersMayNotTie,     // a peer's update with the time of the known record is not merged
  SameCountsAsNewer,  // merging an equal record again changes the store
  // The feed.
  ChangeStaysInPlace,  // a record that changes keeps its change number
  // Feed ids and change numbers.
  FeedOutlivesJournal,  // after the loss of the journal, the node continues with the former feed id
  OldFeedKeepsCursor,   // after a new feed id, reading continues from the former feed's cursor
  NoRunGap,             // a new run continues numbering where the journal ends, without a gap
  RunGapNotWritten,     // a new run does not write its base before it gives out numbers
  // Replies, and the journal that they wait for.
  BoundedReadCounts,          // a flush counts although it did not reach the tail
  FlushCountsWhenBegun,       // a flush counts before it is on disk
  FailedFlushCounts,          // a flush that failed counts
  FailedFlushNotReadAgain,    // ... and its records are not written again
  WritesAfterFailedFlush,     // ... and its sequence numbers are not given out again
  TornTailStays,              // a torn tail is not cut off before the next append
  RedundantReplyDoesNotWait,  // the reply to an older or equal report does not wait until the newer record is durable
  AnyDurableNumberProves,     // an ACK proves durability although no batch of this attempt has reached the tail
  DurableNotAskedFor,         // if a peer's ACK about durability is lost, the node does not ask again
  // Runs, and feed renewal (rules 23 and 24).
  IdentityByFeed,             // the identity of an update contains the feed id instead of the run
  UnknownRunAccepted,         // a cursor of a run that the journal does not list is accepted
  WrittenIgnored,             // ... and one of a run that had written more than this journal contains
  ForeignCursorCountsAsNone,  // an impossible cursor counts as 0, and the feed is not renewed
  AckBeyondTailIgnored,       // an ACK above the tail does not renew the feed
  RenewalKeepsFeedId,         // a renewed feed keeps the former feed id
  RenewalKeepsRun,            // ... keeps the former incarnation
  RenewalKeepsProven,         // ... begins with the peers' proofs of durability for the former feed
  RenewalKeepsIdentities,     // ... sends its records with the identities of the former run
  RenewalKeepsBodies,         // ... sends bodies that were encoded before the renewal
  RenewalNotWritten,          // ... is not written to the journal
  RenewalWithoutBound,        // every impossible cursor renews the feed, however soon after the last renewal
  RunNotInMark,               // commit marks contain the peers' cursors without their runs
  CursorOfNoRunCounts,        // reading continues from such a cursor
  CompactionForgetsRuns,      // a compacted journal lists only the present run
  AnyRunMovesCursor,          // a batch moves a cursor of another run than the batch names
  // Batches and acknowledgements.
  CursorMovesBySending,        // a batch counts as acknowledged when it is sent
  FromAcknowledged,            // `from` of a batch is the acknowledged cursor instead of the end of the batch before
  EmptyBatchUnanswered,        // a batch without updates is not acknowledged
  SharedThoughKnown,           // a body that leaves out what one peer knows is shared with a peer that does not know it
  CursorMovesBySkipping,       // a cursor passes a superseded change without its successor on disk or in the batch
  RecoveredCountsAsUnwritten,  // ... and although the superseded change was recovered from the journal
  NoTimeout,                   // the node waits without a limit for the ACK of a batch
  NoGapCheck,                  // a batch that leaves a gap moves the cursor
  OldAttemptRewinds,           // a WELCOME to an older attempt is accepted
  WelcomeOnlyForward,          // a WELCOME below the acknowledged cursor does not move the cursor back
  NoHelloRepeat,               // HELLO is sent only once
  HelloUnanswered,             // HELLO is not answered with HELLO
  PingMayGoUnanswered,         // an idle link does not notice that its peer does not know its route any more
  FirstRouteStays,             // a newer HELLO with the same name does not replace the peer's route
  // Incarnations.
  NoIncarnationCheck,                     // messages from and for other incarnations are used
  AckOfAnotherIncarnationUsed,            // ... or only ACKs are
  BatchOfAnotherIncarnationUnanswered,    // a batch for another incarnation is not answered with WELCOME
  WelcomeOfAnotherIncarnationUnanswered,  // a WELCOME of another incarnation is not answered with HELLO
  NewIncarnationKeepsStream,              // a new incarnation of the peer does not end the stream of batches
  DurableCursorsTakenAfter,               // a flush counts with the peers' cursors at its end instead of at its begin
  AckReportsMergedAsDurable,              // ACK reports merged changes as durable
  // Flooding.
  EchoSkipForgetsIncarnation,  // a record that came by a link is never sent to its peer, even to a later incarnation
  SeenBelowWindow,             // identities below the seen-set's window count as seen
  SeenBeforeMerged,            // an update counts as seen before it is merged
  LostCountsAsSeen,            // changes that an earlier run of this node gave out and lost count as seen
  // Reconciliation.
  NewFeedNotCompared,       // a new feed id does not begin a reconciliation round
  RoundWithoutHello,        // a round begins with DIGEST, without HELLO
  InFlightCompared,         // buckets with changes in flight are compared too
  DifferencePulledAtOnce,   // a bucket is pulled after its first difference
  ChangingBucketNotPulled,  // ... only if its sums do not change between rounds
  PulledNodeDoesNotPull,    // a node that receives a PULL does not begin a round of its own
  SoonerWithoutEnd,         // the rounds that follow a difference early are not limited
  InFlightSent,             // an ANSWER contains records that the peer has not acknowledged
  PositionForgotten,        // a bucket that needs several ANSWERs is sent from its beginning each time
  AnswersThroughSeenSet,    // the seen-set drops updates of an ANSWER
  // Backpressure.
  InFlightUnbounded,   // the number of batches in flight is not limited
  LaggingLinkStarves,  // a lagging link sends changes only in order, not the newest ones
  RouterUnread,        // a node does not read from its ROUTER while its output to a peer is full
  // Connections of strangers.
  StallUnnoticed,      // an unfinished message may grow without a limit
  StrangersUnbounded,  // ... and so may the memory of all strangers' connections
  StrangersUncounted,  // the number of strangers' connections is not limited
  // Unreadable updates, and links that work in one direction.
  PoisonBlocks,    // a batch that cannot be read is not acknowledged
  HalfCountsAsUp,  // a link that works in one direction is reported as up
  // One name, two processes.
  NewestHelloWins,           // a HELLO takes over the name of a peer that answers
  ClosedHolderKeepsName,     // a process keeps its name although its connection is closed
  SilentHolderKeepsName,     // ... and although it does not answer
  FormerHolderStaysFormer,   // a process that answers does not get its name back from one that does not answer
  ContenderNotNotified,      // a refused process receives no CONFLICT
  ConflictOfAnotherRunUsed,  // a CONFLICT for another incarnation is used
  RefusedAcknowledges,       // a refused process acknowledges updates and is ready
  StartAcknowledges,         // ... and so does a process that does not know yet whether it will be refused
  RefusalNeverEnds,          // a process that was refused stays refused
  // Reset.
  ResetKeepsEpoch,    // a reset does not raise the epoch
  EpochNotTakenOver,  // a report after a reset has epoch 0 instead of the client's epoch
  ResetNotAccepted,   // a peer's reset counts as unreadable
  AnyResetAccepted,   // ... and every record without coordinates counts as a reset, whatever its epoch and time
};

#ifdef HERD_MUTANTS
// The fault that this process has; set once at its start.
inline Mutant active_mutant = Mutant::None;
[[nodiscard]] inline bool mutated(Mutant mutant) {
  return active_mutant == mutant;
}
#else
[[nodiscard]] constexpr bool mutated(Mutant) {
  return false;
}
#endif

}  // namespace herd::bus

// Deliberate faults, for the simulator to prove that it would notice them. In a build without HERD_MUTANTS, as every
// build is that runs, `mutated` is a constant false and the compiler leaves nothing of it.
#pragma once

#include <cstdint>

namespace herd::bus {

enum class Mutant : std::uint8_t {
  None,

  // The order.
  TiesByArrival,      // of two records of one time, the first that came is kept
  PeersMayNotTie,     // an update of the time that is known already is not merged by the order
  SameCountsAsNewer,  // merging a record once more changes the store
  // The feed.
  ChangeStaysInPlace,  // a record that changes keeps its number
  // The words: feed ids and change numbers.
  FeedOutlivesJournal,  // a lost journal's feed id goes on
  OldFeedKeepsCursor,   // a new feed id is read on from the old one's cursor
  NoRunGap,             // a new life goes on counting where the journal ends
  RunGapNotWritten,     // a new life does not write its base before it gives out numbers
  // Replies, and the journal under them.
  BoundedReadCounts,          // a pass counts though it did not reach the tail
  FlushCountsWhenBegun,       // a pass counts before it is on disk
  FailedFlushCounts,          // a pass that failed counts
  FailedFlushNotReadAgain,    // what it held is not written again
  WritesAfterFailedFlush,     // its sequence numbers are not given back
  TornTailStays,              // a torn tail is not cut off before the next append
  RedundantReplyDoesNotWait,  // the reply to a report that is not newer does not wait for the newer one
  AnyDurableNumberProves,     // a peer's kept cursor counts, whether or not this attempt reached the tail
  DurableNotAskedFor,         // a peer whose last word on what it keeps was lost is not asked again
  // Runs, and whose feed it is.
  IdentityByFeed,             // the identity of an update names the feed instead of the run
  UnknownRunAccepted,         // a cursor of a run that the journal does not list is taken as it stands
  WrittenIgnored,             // ... or though this journal holds less than the run had written
  ForeignCursorCountsAsNone,  // an impossible cursor is taken as 0, and the feed goes on
  AckBeyondTailIgnored,       // an ACK above the tail is not taken as the proof that it is
  RenewalKeepsFeedId,         // a renewed feed has the former feed's id
  RenewalKeepsRun,            // ... is told by the former incarnation
  RenewalKeepsProven,         // ... begins with what peers kept of the former one
  RenewalKeepsIdentities,     // ... tells its records under the identities of the former run
  RenewalKeepsBodies,         // ... in the bodies of the former one
  RenewalNotWritten,          // ... is not written to the journal
  RenewalWithoutBound,        // each impossible cursor renews the feed
  RunNotInMark,               // the journal keeps cursors without their runs
  CursorOfNoRunCounts,        // such a cursor is read on from
  CompactionForgetsRuns,      // a copy of the journal lists the present run alone
  AnyRunMovesCursor,          // a batch moves a cursor that names another run
  // Batches and acknowledgements.
  CursorMovesBySending,        // a send counts as acknowledged
  FromAcknowledged,            // a batch claims to go on from the acknowledged cursor
  EmptyBatchUnanswered,        // a batch without updates is not acknowledged
  SharedThoughKnown,           // what one peer knows and another does not is left out for both
  CursorMovesBySkipping,       // a superseded number is passed over though its successor is nowhere on disk
  RecoveredCountsAsUnwritten,  // ... of records that were recovered
  NoTimeout,                   // a batch that is not acknowledged is waited for
  NoGapCheck,                  // a batch that leaves a gap moves the cursor all the same
  OldAttemptRewinds,           // a WELCOME to an older attempt is taken
  WelcomeOnlyForward,          // a WELCOME below the acknowledged cursor is not taken as it stands
  NoHelloRepeat,               // HELLO is said once
  HelloUnanswered,             // HELLO is not answered with HELLO
  PingMayGoUnanswered,         // so an idle link does not notice that its peer takes it for a stranger
  FirstRouteStays,             // a newer HELLO of a name does not replace its route
  // Lives.
  NoIncarnationCheck,                     // messages of and for another life are used
  AckOfAnotherIncarnationUsed,            // acknowledgements alone are
  BatchOfAnotherIncarnationUnanswered,    // such a batch is met with silence
  WelcomeOfAnotherIncarnationUnanswered,  // such a WELCOME is
  NewIncarnationKeepsStream,              // a new life of the peer voids nothing
  DurableCursorsTakenAfter,               // a pass keeps the peers' cursors as they are when it is done
  AckReportsMergedAsDurable,              // what is merged is said to be kept
  // Flooding.
  EchoSkipForgetsIncarnation,  // what came by a link is withheld from its peer for ever, whatever life it is in
  SeenBelowWindow,             // what is below the seen-set's window counts as seen
  SeenBeforeMerged,            // an update counts as seen before it is merged
  LostCountsAsSeen,            // what an earlier life of the node gave out and lost counts as seen
  // Digests.
  NewFeedNotCompared,       // an unknown feed id begins no round
  RoundWithoutHello,        // a round begins with DIGEST
  InFlightCompared,         // a bucket that holds changes in flight is compared too
  DifferencePulledAtOnce,   // a bucket is pulled when it first differs
  ChangingBucketNotPulled,  // ... only when its sums stay as they are
  PulledNodeDoesNotPull,    // a node that is sent a PULL does not look for what it lacks itself
  SoonerWithoutEnd,         // rounds that follow a difference are not counted
  InFlightSent,             // an ANSWER holds what the peer has not acknowledged
  PositionForgotten,        // a bucket that needs several ANSWERs is told from its beginning each time
  AnswersThroughSeenSet,    // the seen-set drops what an ANSWER brings
  // Backpressure.
  InFlightUnbounded,   // any number of batches is in flight
  LaggingLinkStarves,  // a lagging link sends in order alone
  RouterUnread,        // a node whose output to a peer is full does not read what others say
  // Strangers at the bus.
  StallUnnoticed,      // a message without an end may grow
  StrangersUnbounded,  // ... and what strangers together send
  StrangersUncounted,  // any number of them may be connected
  // What cannot be read, and connections that work one way.
  PoisonBlocks,    // a batch that cannot be read is not acknowledged
  HalfCountsAsUp,  // a link that works one way only is shown as up
  // One name, two processes.
  NewestHelloWins,           // a HELLO takes the name of a peer that answers
  ClosedHolderKeepsName,     // a peer keeps its name though its connection is closed
  SilentHolderKeepsName,     // ... and though it does not answer
  FormerHolderStaysFormer,   // a process that answers does not get its name back from one that does not
  ContenderNotNotified,      // a process that is refused is not told so
  ConflictOfAnotherRunUsed,  // a CONFLICT for another incarnation is used
  RefusedAcknowledges,       // a process that is refused acknowledges updates, and is ready
  StartAcknowledges,         // ... and one that does not know yet whether it is
  RefusalNeverEnds,          // a process that was refused stays so
  // Reset.
  ResetKeepsEpoch,    // a reset has the epoch that it ends
  EpochNotTakenOver,  // a report after a reset has the first epoch
  ResetNotAccepted,   // a peer's reset counts as unreadable
  AnyResetAccepted,   // ... and a record without coordinates as a reset, whatever its epoch and time
};

#ifdef HERD_MUTANTS
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

// The one list of mutants (bus/store/mutants.hpp): each line is HERD_MUTANT(Name) with the fault that it causes. A
// program that needs the list defines HERD_MUTANT, includes this file, and removes the macro again; so there is no
// #pragma once. On command lines NoRunGap is `no-run-gap` (tests/mutant_names.hpp).

// The order of records.
HERD_MUTANT(TiesByArrival)      // of two records with equal time, the one that arrives first stays
HERD_MUTANT(PeersMayNotTie)     // a peer's update with the time of the known record is not merged
HERD_MUTANT(SameCountsAsNewer)  // merging an equal record again changes the store
// The feed.
HERD_MUTANT(ChangeStaysInPlace)  // a record that changes keeps its change number
// Feed ids and change numbers.
HERD_MUTANT(FeedOutlivesJournal)  // after the loss of the journal, the node continues with the former feed id
HERD_MUTANT(OldFeedKeepsCursor)   // after a new feed id, reading continues from the former feed's cursor
HERD_MUTANT(NoRunGap)             // a new run continues numbering where the journal ends, without a gap
HERD_MUTANT(RunGapNotWritten)     // a new run does not write its base before it gives out numbers
// Replies, and the journal that they wait for.
HERD_MUTANT(BoundedReadCounts)          // a flush counts although it did not reach the tail
HERD_MUTANT(FlushCountsWhenBegun)       // a flush counts before it is on disk
HERD_MUTANT(FailedFlushCounts)          // a flush that failed counts
HERD_MUTANT(FailedFlushNotReadAgain)    // ... and its records are not written again
HERD_MUTANT(WritesAfterFailedFlush)     // ... and its sequence numbers are not given out again
HERD_MUTANT(TornTailStays)              // a torn tail is not cut off before the next append
HERD_MUTANT(RedundantReplyDoesNotWait)  // a reply to an older or equal report leaves before the newer record is durable
HERD_MUTANT(AnyDurableNumberProves)  // an ACK proves durability although no batch of this attempt has reached the tail
HERD_MUTANT(DurableNotAskedFor)      // if a peer's ACK about durability is lost, the node does not ask again
// The order of a loop iteration, and the journal's schedule.
HERD_MUTANT(ReleasedBeforeDurable)   // replies leave before their records are durable
HERD_MUTANT(FlushBeforeReceive)      // a flush begins before the messages of the iteration are received
HERD_MUTANT(LostDiskIgnored)         // after a failed sync the node continues
HERD_MUTANT(DurableAckWaits)         // the ACK that reports a flush as durable leaves only after another event
HERD_MUTANT(AwaitedUnknown)          // the replica does not learn that replies wait
HERD_MUTANT(UnsoundFileCounts)       // a flush into a file that was removed or truncated counts
HERD_MUTANT(FailedCompactionGoesOn)  // after a failed write the compaction continues without that chunk
// Runs, and feed renewal (rules 23 and 24).
HERD_MUTANT(IdentityByFeed)             // the identity of an update contains the feed id instead of the run
HERD_MUTANT(UnknownRunAccepted)         // a cursor of a run that the journal does not list is accepted
HERD_MUTANT(WrittenIgnored)             // ... and one of a run that had written more than this journal contains
HERD_MUTANT(ForeignCursorCountsAsNone)  // an impossible cursor counts as 0, and the feed is not renewed
HERD_MUTANT(AckBeyondTailIgnored)       // an ACK above the tail does not renew the feed
HERD_MUTANT(RenewalKeepsFeedId)         // a renewed feed keeps the former feed id
HERD_MUTANT(RenewalKeepsRun)            // ... keeps the former incarnation
HERD_MUTANT(RenewalKeepsProven)         // ... begins with the peers' proofs of durability for the former feed
HERD_MUTANT(RenewalKeepsIdentities)     // ... sends its records with the identities of the former run
HERD_MUTANT(RenewalKeepsBodies)         // ... sends bodies that were encoded before the renewal
HERD_MUTANT(RenewalNotWritten)          // ... is not written to the journal
HERD_MUTANT(RenewalWithoutBound)        // every impossible cursor renews the feed, however soon after the last renewal
HERD_MUTANT(CopyKeepsFeedId)            // a node that starts with a copy of a journal continues its feed
HERD_MUTANT(IncompleteCopyCounts)       // ... and the records of a copy are not checked
HERD_MUTANT(RunNotInMark)               // commit marks contain the peers' cursors without their runs
HERD_MUTANT(CursorOfNoRunCounts)        // reading continues from such a cursor
HERD_MUTANT(CompactionForgetsRuns)      // a compacted journal lists only the present run
HERD_MUTANT(AnyRunMovesCursor)          // a batch moves a cursor of another run than the batch names
// Batches and acknowledgements.
HERD_MUTANT(CursorMovesBySending)  // a batch counts as acknowledged when it is sent
HERD_MUTANT(FromAcknowledged)  // `from` of a batch is the acknowledged cursor instead of the end of the batch before
HERD_MUTANT(EmptyBatchUnanswered)   // a batch without updates is not acknowledged
HERD_MUTANT(SharedThoughKnown)      // a body that leaves out what one peer knows is sent to one that does not know it
HERD_MUTANT(CursorMovesBySkipping)  // a cursor passes a superseded change without its successor on disk or in the batch
HERD_MUTANT(RecoveredCountsAsUnwritten)  // ... and although the superseded change was recovered from the journal
HERD_MUTANT(NoTimeout)                   // the node waits without a limit for the ACK of a batch
HERD_MUTANT(NoGapCheck)                  // a batch that leaves a gap moves the cursor
HERD_MUTANT(OldAttemptRewinds)           // a WELCOME to an older attempt is accepted
HERD_MUTANT(WelcomeOnlyForward)          // a WELCOME below the acknowledged cursor does not move the cursor back
HERD_MUTANT(NoHelloRepeat)               // HELLO is sent only once
HERD_MUTANT(HelloUnanswered)             // HELLO is not answered with HELLO
HERD_MUTANT(PingMayGoUnanswered)         // an idle link does not notice that its peer does not know its route any more
HERD_MUTANT(FirstRouteStays)             // a newer HELLO with the same name does not replace the peer's route
// Incarnations.
HERD_MUTANT(NoIncarnationCheck)                     // messages from and for other incarnations are used
HERD_MUTANT(AckOfAnotherIncarnationUsed)            // ... or only ACKs are
HERD_MUTANT(BatchOfAnotherIncarnationUnanswered)    // a batch for another incarnation is not answered with WELCOME
HERD_MUTANT(WelcomeOfAnotherIncarnationUnanswered)  // a WELCOME of another incarnation is not answered with HELLO
HERD_MUTANT(NewIncarnationKeepsStream)              // a new incarnation of the peer does not end the stream of batches
HERD_MUTANT(DurableCursorsTakenAfter)   // a flush counts with the peers' cursors at its end instead of at its begin
HERD_MUTANT(AckReportsMergedAsDurable)  // ACK reports merged changes as durable
// Flooding.
HERD_MUTANT(EchoSkipForgetsIncarnation)  // a record that came by a link is not sent to a later run of its peer either
HERD_MUTANT(SeenBelowWindow)             // identities below the seen-set's window count as seen
HERD_MUTANT(SeenBeforeMerged)            // an update counts as seen before it is merged
HERD_MUTANT(LostCountsAsSeen)            // changes that an earlier run of this node gave out and lost count as seen
// Reconciliation.
HERD_MUTANT(NewFeedNotCompared)       // a new feed id does not begin a reconciliation round
HERD_MUTANT(RoundWithoutHello)        // a round begins with DIGEST, without HELLO
HERD_MUTANT(InFlightCompared)         // buckets with changes in flight are compared too
HERD_MUTANT(DifferencePulledAtOnce)   // a bucket is pulled after its first difference
HERD_MUTANT(ChangingBucketNotPulled)  // ... only if its sums do not change between rounds
HERD_MUTANT(PulledNodeDoesNotPull)    // a node that receives a PULL does not begin a round of its own
HERD_MUTANT(SoonerWithoutEnd)         // the rounds that follow a difference early are not limited
HERD_MUTANT(InFlightSent)             // an ANSWER contains records that the peer has not acknowledged
HERD_MUTANT(PositionForgotten)        // a bucket that needs several ANSWERs is sent from its beginning each time
HERD_MUTANT(AnswersThroughSeenSet)    // the seen-set drops updates of an ANSWER
// Backpressure.
HERD_MUTANT(InFlightUnbounded)   // the number of batches in flight is not limited
HERD_MUTANT(LaggingLinkStarves)  // a lagging link sends changes only in order, not the newest ones
HERD_MUTANT(RouterUnread)        // a node does not read from its ROUTER while its output to a peer is full
// Connections of strangers.
HERD_MUTANT(StallUnnoticed)      // an unfinished message may grow without a limit
HERD_MUTANT(StrangersUnbounded)  // ... and so may the memory of all strangers' connections
HERD_MUTANT(StrangersUncounted)  // the number of strangers' connections is not limited
// Unreadable updates, and links that work in one direction.
HERD_MUTANT(PoisonBlocks)    // a batch that cannot be read is not acknowledged
HERD_MUTANT(HalfCountsAsUp)  // a link that works in one direction is reported as up
// One name, two processes.
HERD_MUTANT(NewestHelloWins)          // a HELLO takes over the name of a peer that answers
HERD_MUTANT(ClosedHolderKeepsName)    // a process keeps its name although its connection is closed
HERD_MUTANT(SilentHolderKeepsName)    // ... and although it does not answer
HERD_MUTANT(FormerHolderStaysFormer)  // a process that answers does not get its name back from one that does not answer
HERD_MUTANT(ContenderNotNotified)     // a refused process receives no CONFLICT
HERD_MUTANT(ConflictOfAnotherRunUsed)    // a CONFLICT for another incarnation is used
HERD_MUTANT(RefusedAcknowledges)         // a refused process acknowledges updates and is ready
HERD_MUTANT(StartAcknowledges)           // ... and so does a process that does not know yet whether it will be refused
HERD_MUTANT(RefusalNeverEnds)            // a process that was refused stays refused
HERD_MUTANT(HelloOfAnotherNameAccepted)  // a process may use another name than that of its key
// Peers that come and go while the node runs (rules 27 to 30).
HERD_MUTANT(NewPeerGetsNoSnapshot)     // a peer is sent only the changes that come after its first HELLO
HERD_MUTANT(ReusedNumberKnowsRecords)  // a peer is not sent records that came by a removed link with the same number
HERD_MUTANT(RouteOfRemovedStays)       // late messages of a removed peer count for the next link with its number
HERD_MUTANT(AttemptsOfRemovedRepeat)   // a late answer to a removed link counts for a new link to the same peer
HERD_MUTANT(RemovedStillProves)        // the proofs of a removed peer count for replies that wait for peers
HERD_MUTANT(RemovedStillRefuses)       // a process stays refused by a peer that was removed
HERD_MUTANT(SeenOfRemovedStays)        // the seen-set keeps the windows of a removed peer
// Reset.
HERD_MUTANT(ResetKeepsEpoch)    // a reset does not raise the epoch
HERD_MUTANT(EpochNotTakenOver)  // a report after a reset has epoch 0 instead of the client's epoch
HERD_MUTANT(ResetNotAccepted)   // a peer's reset counts as unreadable
HERD_MUTANT(AnyResetAccepted)   // ... and a record without coordinates is a reset, whatever its epoch and time

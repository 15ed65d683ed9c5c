// The one list of mutants of the watches (node/watches/mutants.hpp): each line is HERD_MUTANT(Name) with the fault that
// it causes. A program that needs the list defines HERD_MUTANT, includes this file, and removes the macro again; so
// there is no #pragma once. On command lines ResumeGap is `resume-gap` (tests/mutant_names.hpp).

// Snapshots and resumption.
HERD_MUTANT(ReadyTooEarly)         // READY comes after the first page of a snapshot
HERD_MUTANT(SnapshotNumbered)      // the lines before READY bear a number
HERD_MUTANT(FarthestFirst)         // the HERE lines of a circle come farthest first
HERD_MUTANT(ResumeGap)             // resuming leaves out the first change after the number
HERD_MUTANT(ResumeSkipsChanges)    // resuming does not write the clients that changed
HERD_MUTANT(SlackKeptAtResume)     // resuming gives no LEAVE for clients in the slack
HERD_MUTANT(SlackCountsAtResume)   // ... a client that moves into the slack before READY gives HERE
HERD_MUTANT(ReadyCountsLeaves)     // READY counts the LEAVE lines too
HERD_MUTANT(ForeignFeedResumes)    // a number of another feed is accepted
HERD_MUTANT(FormerRunResumes)      // ... and one of a run that a crash may have cut off
HERD_MUTANT(UnknownNumberResumes)  // ... and one that was never given out
HERD_MUTANT(MovedCentreResumes)    // ... and one before the centre's last report
// Following.
HERD_MUTANT(LeftWithoutLeave)     // a member that is outside leaves without an event
HERD_MUTANT(EnteredWithoutEnter)  // a client enters without an event
HERD_MUTANT(EnterTwice)           // a client that enters gives two events
HERD_MUTANT(ResetUnnoticed)       // a member that is reset stays a member
HERD_MUTANT(TieIsMove)            // a record of the same time gives a MOVE
HERD_MUTANT(ConflatedForgotten)   // a watch that cannot keep up forgets what it had to judge
HERD_MUTANT(StoppedForgotten)     // ... and one that a full output stops
HERD_MUTANT(NumberBeforeChanges)  // an event bears the number of the newest change, although others are not written
HERD_MUTANT(OutputUnbounded)      // writing does not stop at the limit of the output
HERD_MUTANT(MatchIgnored)         // `match` has no effect
HERD_MUTANT(HiddenShown)          // a client that the connection may not see is a member
HERD_MUTANT(PlaceShown)           // with level=events the events tell the place
// Circles.
HERD_MUTANT(CentreKeepsMembers)    // after a move of the centre, members that are outside stay
HERD_MUTANT(CentreFindsNone)       // ... the clients that are inside do not enter
HERD_MUTANT(CentreNumberedEarly)   // ... all events bear the number of that move
HERD_MUTANT(CentreAreaStays)       // ... changes are still looked for in the former circle
HERD_MUTANT(CentreResetUnnoticed)  // a reset of the centre has no effect
HERD_MUTANT(SlackIgnored)          // a member leaves at the radius
HERD_MUTANT(SlackForAll)           // a client enters at the radius plus the slack
HERD_MUTANT(CellForgotten)         // an area is in the first of its cells only
// Times.
HERD_MUTANT(DwellIgnored)        // a client enters at once
HERD_MUTANT(DwellSurvivesLeave)  // a client that leaves goes on dwelling
HERD_MUTANT(DwellNumberNotHeld)  // events bear numbers of changes of clients that dwell
HERD_MUTANT(EveryIgnored)        // `every` has no effect
HERD_MUTANT(HeldMoveForgotten)   // a MOVE that was held back is not written
HERD_MUTANT(HeldMoveNumbered)    // ... events bear its number before it is written
HERD_MUTANT(BeatMissing)         // TICK does not come
HERD_MUTANT(BeatAmongEvents)     // TICK comes although there were other events
HERD_MUTANT(TimerForgotten)      // a watch is not due at the end of a time
// All clients, and prefixes.
HERD_MUTANT(AllResetUnnoticed)  // a client that is reset gives no GONE, one that appears no ENTER
HERD_MUTANT(AllListedTwice)     // a client that changed before it was listed gives an event for that change, too
HERD_MUTANT(AllTieIsMove)       // a record of the same time gives a MOVE
HERD_MUTANT(AllTieIsDeaf)       // a watch with an unread tie misses later reports
HERD_MUTANT(AllCaughtUpIsDeaf)  // a watch that has written all changes misses later reports
// Ends and limits.
HERD_MUTANT(DueForgotten)           // a change does not make its watch due
HERD_MUTANT(EndForgotten)           // a watch ends without END
HERD_MUTANT(FinishGoesOn)           // after the end of input, watches go on
HERD_MUTANT(NodeLimitIgnored)       // max_per_node has no effect
HERD_MUTANT(ConnectionLimitTooLow)  // a connection may have 63 watches
HERD_MUTANT(MemberLimitIgnored)     // max_members has no effect
HERD_MUTANT(RefusalNotCounted)      // a WATCH that a limit refuses is not counted
HERD_MUTANT(TagTwice)               // two watches of a connection may have one tag

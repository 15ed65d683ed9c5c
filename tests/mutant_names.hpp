// What the mutants (bus/mutants.hpp) are called on a command line.
#pragma once

#include <map>
#include <string>

#include "bus/mutants.hpp"

namespace herd::bus {

inline const std::map<std::string, Mutant> kMutantNames{
    {"none", Mutant::None},
    {"ties-by-arrival", Mutant::TiesByArrival},
    {"peers-may-not-tie", Mutant::PeersMayNotTie},
    {"same-counts-as-newer", Mutant::SameCountsAsNewer},
    {"change-stays-in-place", Mutant::ChangeStaysInPlace},
    {"feed-outlives-journal", Mutant::FeedOutlivesJournal},
    {"old-feed-keeps-cursor", Mutant::OldFeedKeepsCursor},
    {"no-jump", Mutant::NoJump},
    {"jump-not-written", Mutant::JumpNotWritten},
    {"bounded-read-counts", Mutant::BoundedReadCounts},
    {"pass-counts-when-begun", Mutant::PassCountsWhenBegun},
    {"failed-pass-counts", Mutant::FailedPassCounts},
    {"failed-pass-not-read-again", Mutant::FailedPassNotReadAgain},
    {"writes-behind-failed-pass", Mutant::WritesBehindFailedPass},
    {"torn-tail-stays", Mutant::TornTailStays},
    {"redundant-reply-does-not-wait", Mutant::RedundantReplyDoesNotWait},
    {"any-kept-number-proves", Mutant::AnyKeptNumberProves},
    {"kept-is-not-asked-for", Mutant::KeptIsNotAskedFor},
    {"cursor-moves-by-sending", Mutant::CursorMovesBySending},
    {"from-acknowledged", Mutant::FromAcknowledged},
    {"empty-batch-unanswered", Mutant::EmptyBatchUnanswered},
    {"cursor-moves-by-skipping", Mutant::CursorMovesBySkipping},
    {"recovered-counts-as-unwritten", Mutant::RecoveredCountsAsUnwritten},
    {"no-timeout", Mutant::NoTimeout},
    {"no-gap-check", Mutant::NoGapCheck},
    {"old-attempt-rewinds", Mutant::OldAttemptRewinds},
    {"welcome-only-forward", Mutant::WelcomeOnlyForward},
    {"no-hello-repeat", Mutant::NoHelloRepeat},
    {"hello-unanswered", Mutant::HelloUnanswered},
    {"ping-may-go-unanswered", Mutant::PingMayGoUnanswered},
    {"first-route-stays", Mutant::FirstRouteStays},
    {"no-incarnation-check", Mutant::NoIncarnationCheck},
    {"ack-of-another-life-used", Mutant::AckOfAnotherLifeUsed},
    {"batch-of-another-life-unanswered", Mutant::BatchOfAnotherLifeUnanswered},
    {"welcome-of-another-life-unanswered", Mutant::WelcomeOfAnotherLifeUnanswered},
    {"new-life-keeps-stream", Mutant::NewLifeKeepsStream},
    {"kept-cursors-taken-after", Mutant::KeptCursorsTakenAfter},
    {"ack-says-kept-for-merged", Mutant::AckSaysKeptForMerged},
    {"echo-skip-forgets-life", Mutant::EchoSkipForgetsLife},
    {"seen-below-window", Mutant::SeenBelowWindow},
    {"seen-before-merged", Mutant::SeenBeforeMerged},
    {"new-feed-not-compared", Mutant::NewFeedNotCompared},
    {"round-without-hello", Mutant::RoundWithoutHello},
    {"in-flight-compared", Mutant::InFlightCompared},
    {"difference-pulled-at-once", Mutant::DifferencePulledAtOnce},
    {"changing-bucket-not-pulled", Mutant::ChangingBucketNotPulled},
    {"pulled-node-does-not-compare", Mutant::PulledNodeDoesNotCompare},
    {"sooner-without-end", Mutant::SoonerWithoutEnd},
    {"in-flight-told", Mutant::InFlightTold},
    {"place-forgotten", Mutant::PlaceForgotten},
    {"answers-through-seen-set", Mutant::AnswersThroughSeenSet},
    {"flight-unbounded", Mutant::FlightUnbounded},
    {"lagging-link-starves", Mutant::LaggingLinkStarves},
    {"router-unread", Mutant::RouterUnread},
    {"poison-blocks", Mutant::PoisonBlocks},
    {"half-counts-as-up", Mutant::HalfCountsAsUp},
    {"reset-keeps-epoch", Mutant::ResetKeepsEpoch},
    {"epoch-not-taken-over", Mutant::EpochNotTakenOver},
    {"reset-not-heard", Mutant::ResetNotHeard},
    {"any-reset-heard", Mutant::AnyResetHeard},
};

}  // namespace herd::bus

#include "bus/zmq/connection_ledger.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;

namespace {

// Connections, in the order in which they were opened.
struct Ledger {
  std::deque<ConnectionAccount> accounts;

  ConnectionAccount& add(bool of_peer, const char* host = "127.0.0.1") {
    ConnectionAccount account;
    account.of_peer = of_peer;
    account.host = host;
    account.since = std::chrono::seconds(accounts.size());
    return accounts.emplace_back(account);
  }
  Judgement judged() {
    std::vector<ConnectionAccount*> all;
    for (ConnectionAccount& account : accounts) all.push_back(&account);
    return judge(all);
  }
  // The indexes of the connections that are cut, ascending.
  std::vector<std::size_t> cut() {
    std::vector<std::size_t> indexes;
    for (const Verdict& verdict : judged().cuts) indexes.push_back(verdict.account);
    std::sort(indexes.begin(), indexes.end());
    return indexes;
  }
};

using Indexes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a message without an end is cut when too much of it is unread and no other was delivered") {
  for (const bool of_peer : {true, false}) {
    Ledger ledger;
    ConnectionAccount& account = ledger.add(of_peer);
    account.delivered = 1000;
    account.received = 1000 + kMaxUnfinishedBytes;
    CHECK_FALSE(ledger.judged().look_again);
    ++account.received;
    const Judgement first = ledger.judged();
    CHECK(first.look_again);
    CHECK(first.cuts.empty());
    const Judgement second = ledger.judged();
    REQUIRE(second.cuts.size() == 1);
    CHECK(second.cuts[0].reason == "it sends a message without an end");
  }
}

TEST_CASE("a connection that goes on to deliver messages is not cut as one without an end") {
  Ledger ledger;
  ConnectionAccount& account = ledger.add(true);
  for (int round = 0; round < 10; ++round) {
    account.received += kMaxUnfinishedBytes + 1;
    CHECK(ledger.cut().empty());
    account.delivered += kMaxUnfinishedBytes;
    CHECK(ledger.cut().empty());
    account.delivered = account.received;
    CHECK_FALSE(ledger.judged().look_again);
  }
}

TEST_CASE("a peer may have kMaxPeerBacklogBytes unread, and not more") {
  Ledger ledger;
  ConnectionAccount& account = ledger.add(true);
  account.received = kMaxPeerBacklogBytes;
  CHECK(ledger.cut().empty());
  account.delivered = 1;
  account.received = kMaxPeerBacklogBytes + 2;
  const Judgement judgement = ledger.judged();
  REQUIRE(judgement.cuts.size() == 1);
  CHECK(judgement.cuts[0].reason == "it sends more than may be in flight");
}

TEST_CASE("the unread bytes of all strangers together are bounded, and the one with most is cut") {
  Ledger ledger;
  for (int i = 0; i < 4; ++i) ledger.add(false).received = kMaxStrangersBytes / 4;
  ledger.add(true).received = kMaxUnfinishedBytes;  // a peer is no stranger
  CHECK(ledger.cut().empty());
  ledger.accounts[2].received += 1;
  const Judgement judgement = ledger.judged();
  REQUIRE(judgement.cuts.size() == 1);
  CHECK(judgement.cuts[0].account == 2);
  CHECK(judgement.cuts[0].reason == "strangers together have too much data unread");
  ledger.accounts[2].delivered = ledger.accounts[2].received;
  CHECK(ledger.cut().empty());
}

TEST_CASE("the number of strangers is bounded, and the oldest of the host with most is cut") {
  Ledger ledger;
  ledger.add(false, "10.0.0.1");
  for (std::size_t i = 1; i < kMaxStrangers; ++i) ledger.add(false, "10.0.0.2");
  for (int i = 0; i < 10; ++i) ledger.add(true, "10.0.0.2");
  CHECK(ledger.cut().empty());
  ledger.add(false, "10.0.0.3");
  CHECK(ledger.cut() == Indexes{1});
  ledger.add(false, "10.0.0.3");
  CHECK(ledger.cut() == Indexes{1, 2});
}

TEST_CASE("on a connection that the node opened, kMaxAnswerBytes may be unread, and not more") {
  Ledger ledger;
  ConnectionAccount& account = ledger.add(false);
  account.accepted = false;
  account.received = kMaxAnswerBytes;
  CHECK(ledger.cut().empty());
  ++account.received;
  CHECK(ledger.cut() == Indexes{0});
}

TEST_CASE("bytes that came back and were read do not count") {
  Ledger ledger;
  ConnectionAccount& account = ledger.add(false);
  account.accepted = false;
  account.delivered = 10 * kMaxAnswerBytes;
  account.received = account.delivered + kMaxAnswerBytes;
  CHECK(ledger.cut().empty());
  ++account.received;
  CHECK(ledger.cut() == Indexes{0});
}

TEST_CASE("connections that the node opened are no strangers") {
  Ledger ledger;
  for (std::size_t i = 0; i < 2 * kMaxStrangers; ++i) {
    ConnectionAccount& account = ledger.add(false);
    account.accepted = false;
    account.received = kMaxAnswerBytes;
  }
  CHECK(ledger.cut().empty());
}

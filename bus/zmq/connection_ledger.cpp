#include "bus/zmq/connection_ledger.hpp"

#include <algorithm>
#include <map>

#include "bus/store/mutants.hpp"

namespace herd::bus {
namespace {

using Accounts = std::span<ConnectionAccount* const>;

// The reason to cut this connection, whatever the others do; empty if there is none.
std::string_view fault_of(ConnectionAccount& account, bool& look_again) {
  if (!account.accepted) return account.waiting() > kMaxAnswerBytes ? "its port sends data that no node sends" : "";
  if (account.waiting() <= kMaxUnfinishedBytes || mutated(Mutant::StallUnnoticed)) {
    account.stalled_at.reset();
  } else if (account.stalled_at == account.delivered) {
    return "it sends a message without an end";
  } else {
    account.stalled_at = account.delivered;
    look_again = true;
  }
  if (account.of_peer && account.waiting() > kMaxPeerBacklogBytes) return "it sends more than may be in flight";
  return {};
}

// Cuts the stranger with the most bytes waiting, until all strangers together are within kMaxStrangersBytes.
void bound_bytes(Accounts accounts, std::vector<std::size_t>& strangers, std::vector<Verdict>& cuts) {
  std::uint64_t bytes = 0;
  for (const std::size_t stranger : strangers) bytes += accounts[stranger]->waiting();
  while (bytes > kMaxStrangersBytes && !mutated(Mutant::StrangersUnbounded)) {
    const auto most = std::max_element(strangers.begin(), strangers.end(), [&](std::size_t one, std::size_t other) {
      return accounts[one]->waiting() < accounts[other]->waiting();
    });
    bytes -= accounts[*most]->waiting();
    cuts.push_back({*most, "strangers together have too much data unread"});
    strangers.erase(most);
  }
}

// Cuts the oldest connection of the host that has the most, until there are at most kMaxStrangers.
void bound_number(Accounts accounts, std::vector<std::size_t>& strangers, std::vector<Verdict>& cuts) {
  std::map<std::string_view, std::size_t> hosts;
  for (const std::size_t stranger : strangers) ++hosts[accounts[stranger]->host];
  while (strangers.size() > kMaxStrangers && !mutated(Mutant::StrangersUncounted)) {
    const auto victim = std::min_element(strangers.begin(), strangers.end(), [&](std::size_t one, std::size_t other) {
      const std::size_t of_one = hosts[accounts[one]->host];
      const std::size_t of_other = hosts[accounts[other]->host];
      return of_one != of_other ? of_one > of_other : accounts[one]->since < accounts[other]->since;
    });
    --hosts[accounts[*victim]->host];
    cuts.push_back({*victim, "too many connections that no peer has claimed"});
    strangers.erase(victim);
  }
}

}  // namespace

Judgement judge(Accounts accounts) {
  Judgement judgement;
  std::vector<std::size_t> strangers;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    ConnectionAccount& account = *accounts[i];
    if (const std::string_view fault = fault_of(account, judgement.look_again); !fault.empty()) {
      judgement.cuts.push_back({i, fault});
    } else if (account.accepted && !account.of_peer) {
      strangers.push_back(i);
    }
  }
  bound_bytes(accounts, strangers, judgement.cuts);
  bound_number(accounts, strangers, judgement.cuts);
  return judgement;
}

}  // namespace herd::bus

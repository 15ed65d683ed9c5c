#include "bus/zmq/peer_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

namespace {

constexpr std::string_view kScheme = "tcp://";
constexpr std::string_view kSilent = "the resolver of this host does not answer";

bool is_ipv4(const std::string& host) {
  std::array<unsigned char, 4> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

// An IPv6 address has brackets or colons, which no name has.
bool is_host_name(const std::string& host) {
  const auto of_name = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), of_name) && !is_ipv4(host);
}

}  // namespace

PeerAddress::PeerAddress(std::string configured) {
  const auto colon = configured.rfind(':');
  if (configured.starts_with(kScheme) && colon > kScheme.size()) {
    std::string host = configured.substr(kScheme.size(), colon - kScheme.size());
    if (is_host_name(host)) {
      host_ = std::move(host);
      port_ = configured.substr(colon + 1);
      return;
    }
  }
  endpoint_ = std::move(configured);
}

PeerAddress::Step PeerAddress::update(bool is_up, Now now) {
  is_up_ = is_up;
  if (is_up) {
    ask_due_ = now.steady;  // as soon as it is not up any more
    turn_due_ = now.steady + kAddressPatience;
    if (endpoint_ != announced_) announce();
    return {};
  }
  Step step;
  if (!asked_at_ && ask_due_ <= now.steady) {
    asked_at_ = now.steady;
    step.ask = true;
  }
  if (asked_at_ && *asked_at_ + kAnswerPatience <= now.steady) note_trouble(std::string(kSilent));
  if (turn_due_ <= now.steady) step.dial = use_next(now);
  return step;
}

Nanoseconds PeerAddress::due() const {
  if (host_.empty() || is_up_) return Nanoseconds::max();
  const Nanoseconds silent = has_trouble_ ? Nanoseconds::max() : asked_at_.value_or(Nanoseconds{}) + kAnswerPatience;
  return std::min(turn_due_, asked_at_ ? silent : ask_due_);
}

bool PeerAddress::receive(const HostAnswer& answer, Now now) {
  asked_at_.reset();
  ask_due_ = now.steady + kAskInterval;
  if (answer.addresses.empty()) {
    note_trouble(answer.trouble);
    return false;
  }
  endpoints_.clear();
  for (const std::string& address : answer.addresses) {
    if (endpoints_.size() < kMaxAddressesOfName) endpoints_.push_back(endpoint_of(address));
  }
  const bool had_trouble = std::exchange(has_trouble_, false);
  const bool is_known = std::find(endpoints_.begin(), endpoints_.end(), endpoint_) != endpoints_.end();
  if (is_known || is_up_) {
    if (had_trouble) announce();
    return false;
  }
  endpoint_ = endpoints_.front();
  turn_due_ = now.steady + kAddressPatience;
  announce();
  return true;
}

std::optional<AddressChange> PeerAddress::take_change() {
  return std::exchange(change_, std::nullopt);
}

std::string PeerAddress::endpoint_of(const std::string& address) const {
  const bool six = address.find(':') != std::string::npos;
  return std::string(kScheme) + (six ? "[" : "") + address + (six ? "]:" : ":") + port_;
}

// Returns false if there is no other address. A change of turn is not announced: two addresses would fill the log while
// a peer is down.
bool PeerAddress::use_next(Now now) {
  turn_due_ = now.steady + kAddressPatience;
  if (endpoints_.empty()) return false;
  auto next = std::find(endpoints_.begin(), endpoints_.end(), endpoint_);
  if (next == endpoints_.end() || ++next == endpoints_.end()) next = endpoints_.begin();
  if (*next == endpoint_) return false;
  endpoint_ = *next;
  return true;
}

void PeerAddress::note_trouble(const std::string& trouble) {
  if (std::exchange(has_trouble_, true)) return;
  change_ = AddressChange{host_, endpoint_, trouble};
}

void PeerAddress::announce() {
  announced_ = endpoint_;
  change_ = AddressChange{host_, endpoint_, {}};
}

}  // namespace herd::bus

#include "bus/zmq/encryption.hpp"

#include <algorithm>
#include <utility>

#include "bus/zmq/stranger_probe.hpp"
#include "protocol/installation.hpp"
#include "protocol/unreachable.hpp"

namespace herd::bus {

using protocol::fail;
using protocol::Nanoseconds;
using protocol::Result;

namespace {

constexpr std::string_view kDomain = "herd";
// ZMQ_ZAP_ENFORCE_DOMAIN: zmq.h declares it for drafts only, but the library has it. Without it libzmq accepts every
// key as soon as no ZAP server is there.
constexpr int kEnforceDomain = 93;

// Why a connection is refused. A stranger's cannot be distinguished from a node of which the keys are not copied yet.
constexpr std::string_view kRevoked = "its key is revoked";
constexpr std::string_view kUnknown =
    "its key is of no node in public.toml: if it is a node of this herd, add its keys there and run " HERD_COMMAND
    " "
    "reload";
constexpr std::string_view kNoKey =
    "it proved no key, or uses a former key of this node: if it is a node of this herd, copy public.toml to its host";

// ZeroMQ reports the other end of an IPv4 connection of a socket of both families as ::ffff:192.0.2.1.
std::string plain_host(std::string host) {
  constexpr std::string_view kMapped = "::ffff:";
  if (host.starts_with(kMapped) && host.find('.') != std::string::npos) host.erase(0, kMapped.size());
  return host;
}

}  // namespace

Encryption::Encryption(zmq::context_t& context, BusKeys keys) : keys_(std::move(keys)), table_(keys_), zap_(context) {}

void Encryption::add_peer(PeerIndex number, std::string name) {
  Peer peer{std::move(name), {}};
  (void)peer.dialler.set_keys(table_.keys_of(peer.name));
  peers_.put(number, std::move(peer));
}

bool Encryption::serve() {
  if (!touched_) return false;
  touched_ = zap_.serve([this](const ZapServer::Request& request) { return judge(request); });
  return touched_;
}

Admission Encryption::judge(const ZapServer::Request& request) {
  if (!stranger_.empty() && request.key == stranger_) return Admission::Revoked;
  const Admission admission = table_.judge(request.key);
  if (admission == Admission::Known) return admission;
  note_refused({plain_host(request.host), request.key, admission == Admission::Revoked ? kRevoked : kUnknown});
  return admission;
}

void Encryption::note_failure() {
  note_refused({{}, {}, kNoKey});
}

void Encryption::note_refused(RefusedConnection refused) {
  ++refused_;
  if (news_.size() < kMaxRefusedKept) news_.push_back(std::move(refused));
}

void Encryption::equip_receiver(zmq::socket_t& router) const {
  router.set(zmq::sockopt::curve_server, true);
  router.set(zmq::sockopt::curve_secretkey, keys_.own.secret_key);
  router.set(zmq::sockopt::zap_domain, kDomain);
  const int yes = 1;
  if (zmq_setsockopt(router.handle(), kEnforceDomain, &yes, sizeof yes) != 0) throw zmq::error_t();
}

bool Encryption::equip_sender(zmq::socket_t& dealer, PeerIndex peer) const {
  const std::string* key = peers_[peer].dialler.key();
  if (key == nullptr) return false;
  dealer.set(zmq::sockopt::curve_serverkey, *key);
  dealer.set(zmq::sockopt::curve_publickey, keys_.own.public_key);
  dealer.set(zmq::sockopt::curve_secretkey, keys_.own.secret_key);
  return true;
}

Nanoseconds Encryption::due() const {
  Nanoseconds due = Nanoseconds::max();
  for (const Peer& peer : peers_) due = std::min(due, peer.dialler.due());
  return due;
}

std::optional<std::string_view> Encryption::sender_of(zmq::message_t& frame) const {
  return table_.name_of(key_of(frame));
}

Encryption::Changes Encryption::set_keys(BusKeys keys) {
  Changes changes;
  changes.any = keys != keys_;
  changes.bind = keys.own != keys_.own;
  keys_ = std::move(keys);
  table_ = KeyTable(keys_);
  for (PeerIndex number = 0; number < peers_.end_number(); ++number) {
    if (!peers_.has(number)) continue;
    const bool lost = peers_[number].dialler.set_keys(table_.keys_of(peers_[number].name));
    if (lost || changes.bind) changes.dialled.push_back(number);
  }
  return changes;
}

// The ROUTER's questions are answered while the probe waits.
Result<void> Encryption::prove(zmq::context_t& context, const std::string& address) {
  StrangerProbe probe(context, address, keys_.own.public_key);
  stranger_ = probe.key();
  const StrangerProbe::Outcome outcome = probe.wait(zap_.descriptor(), [this] {
    touched_ = true;
    while (serve()) {
    }
  });
  stranger_.clear();
  touched_ = true;
  switch (outcome) {
    case StrangerProbe::Outcome::Refused:
      return {};
    case StrangerProbe::Outcome::Accepted:
      return fail("bus address " + address +
                  " accepts a stranger with a random key: this libzmq does not check keys, so install libzmq 4.3.4 or "
                  "later of your distribution");
    case StrangerProbe::Outcome::NoAnswer:
      return fail("bus address " + address +
                  " did not refuse a stranger with a random key in time: check that this host can connect to the "
                  "address, then start the node again");
  }
  protocol::unreachable();
}

}  // namespace herd::bus

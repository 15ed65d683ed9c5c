#include "node/observe/viewers.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "node/base/accept_backoff.hpp"
#include "node/base/limits.hpp"
#include "node/base/listen_addresses.hpp"
#include "protocol/assert.hpp"
#include "protocol/installation.hpp"

namespace herd::node {
namespace {

using asio::ip::tcp;
using protocol::fail;
using protocol::Nanoseconds;
using protocol::Result;

// Why an encrypted viewer is refused.
constexpr std::string_view kUnknownKey = "its key is of no viewer in viewers.toml: add it with " HERD_COMMAND
                                         " keygen --viewer, then run " HERD_COMMAND " reload";

bool set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

// Accepted sockets inherit all of these from the listener.
bool set_options(int listener, bool six) {
  using std::chrono::milliseconds;
  constexpr int kProbe = static_cast<int>(kViewerProbe.count());
  constexpr int kTimeoutMs = static_cast<int>(milliseconds(kViewerTimeout).count());
  return set(listener, SOL_SOCKET, SO_REUSEADDR, 1) &&  // so that a restart need not wait for TIME_WAIT
         (!six || set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
         set(listener, SOL_SOCKET, SO_SNDBUF, kViewerSendBuffer) &&
         set(listener, SOL_SOCKET, SO_RCVBUF, kViewerReceiveBuffer) && set(listener, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set(listener, SOL_SOCKET, SO_KEEPALIVE, 1) && set(listener, IPPROTO_TCP, TCP_KEEPIDLE, kProbe) &&
         set(listener, IPPROTO_TCP, TCP_KEEPINTVL, kProbe) && set(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, kTimeoutMs);
}

std::array<std::uint8_t, 16> network_of(const asio::ip::address& address) {
  std::array<std::uint8_t, 16> network{};
  if (address.is_v4() || address.to_v6().is_v4_mapped()) {
    const auto four = address.is_v4() ? address.to_v4() : make_address_v4(asio::ip::v4_mapped, address.to_v6());
    const auto bytes = four.to_bytes();
    std::copy(bytes.begin(), bytes.end(), network.begin() + 12);
  } else {
    const auto bytes = address.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.begin() + 8, network.begin());
  }
  return network;
}

}  // namespace

Viewers::Viewers(std::vector<std::string> topics, Limits limits)
    : topics_(std::move(topics)),
      limits_(limits),
      warnings_({kViewerWarningsPerSecond, kViewerWarningsBurst}),
      encrypted_accepts_({kEncryptedAcceptsPerSecond, kEncryptedAcceptsBurst}) {
  HERD_ASSERT(topics_.size() <= kMostTopics && limits_.queue > 0);
}

Result<void> Viewers::listen(const Address& address) {
  const auto failed = [] { return fail(std::error_code(errno, std::system_category()).message()); };
  std::error_code error;
  const auto literal = asio::ip::make_address(address.host, error);
  if (error) return fail("its host is not an IP address");
  const tcp::endpoint endpoint(literal, address.port);
  Socket socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || !set_options(socket.descriptor(), literal.is_v6()) ||
      bind(socket.descriptor(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(socket.descriptor(), SOMAXCONN) != 0) {
    return failed();
  }
  listener_ = std::move(socket);
  listens_ = poll_.watch(listener_.descriptor(), &listener_, {}, {true, false});
  return listens_ ? Result<void>() : failed();
}

void Viewers::set_keys(ViewerKeys keys, Nanoseconds now) {
  if (!access_) access_.emplace();
  access_->keys = std::move(keys);
  for (const auto& entry : viewers_) {
    const Viewer& viewer = entry->viewer;
    if (!viewer.is_open() || !viewer.is_greeted() || access_->keys.names.contains(viewer.key())) continue;
    cut(*entry, "its key was removed from viewers.toml");
  }
  forget_closed(now);
}

// ---- an iteration --------------------------------------------------------------------------------------------------

TopicSet Viewers::serve(Nanoseconds now) {
  TopicSet fresh = 0;
  std::array<char, kViewerReadBytes> buffer;
  bool accepts = false;
  std::size_t handshakes = 0;
  for (const SocketPoll::Ready& ready : poll_.take_ready()) {
    if (ready.owner == &listener_) {
      accepts = true;
      continue;
    }
    Entry& entry = *static_cast<Entry*>(ready.owner);
    entry.viewer.unblock();
    const bool shakes_hands = access_ && !entry.viewer.is_greeted();
    if (ready.to_receive && (!shakes_hands || handshakes++ < kViewerHandshakesAtOnce)) receive(entry, buffer, now);
    fresh = static_cast<TopicSet>(fresh | entry.viewer.take_fresh());
    count(entry);
    want_to_send(entry);
  }
  if (accepts) accept(now);
  if (!listens_ && listener_.is_open() && now >= accept_again_) {
    listens_ = poll_.watch(listener_.descriptor(), &listener_, {}, {true, false});
    if (!listens_) stop_accepting(now);
  }
  if (now >= sweep_at_) sweep(now);
  send(now);
  return fresh;
}

void Viewers::receive(Entry& entry, std::span<char> buffer, Nanoseconds now) {
  const bool was_refused = entry.viewer.is_refused();
  entry.viewer.receive(buffer, now);
  if (!was_refused && entry.viewer.is_refused()) note_refused(entry.viewer, now);
}

// Round-robin: a viewer with more to send goes to the end of the queue, so that it does not delay the others.
void Viewers::send(Nanoseconds now) {
  std::size_t bytes = 0;
  std::size_t next = 0;
  for (std::size_t calls = 0; calls < kViewerSends && bytes < kViewerSendBytes && next < to_send_.size(); ++calls) {
    Entry& entry = *to_send_[next++];
    if (entry.viewer.is_open()) bytes += entry.viewer.send(now);
    count(entry);
    entry.to_send = false;
    want_to_send(entry);
    watch(entry);
  }
  to_send_.erase(to_send_.begin(), to_send_.begin() + static_cast<std::ptrdiff_t>(next));
  if (has_closed_) forget_closed(now);
}

Nanoseconds Viewers::next_deadline() const {
  Nanoseconds deadline = Nanoseconds::max();
  if (!listens_ && listener_.is_open()) deadline = accept_again_;
  if (handshakes_ > 0) deadline = std::min(deadline, sweep_at_);
  return deadline;
}

void Viewers::publish(std::size_t topic, std::string bytes) {
  if (subscribed_[topic] == 0) return;
  const auto message = std::make_shared<const Published>(std::move(bytes), queued_bytes_);
  for (const auto& entry : viewers_) {
    if ((entry->counted >> topic & 1U) != 0) queue(*entry, message);
  }
  if (queued_bytes_ > limits_.all_bytes) relieve();
}

void Viewers::publish_cell(Geohash cell, std::string bytes) {
  const auto message = std::make_shared<const Published>(std::move(bytes), queued_bytes_);
  for (const auto& entry : viewers_) {
    if (entry->areas > 0 && entry->viewer.covers(cell)) queue(*entry, message);
  }
  if (queued_bytes_ > limits_.all_bytes) relieve();
}

bool Viewers::covers(Geohash cell) const {
  return areas_ > 0 && std::any_of(viewers_.begin(), viewers_.end(), [&](const std::unique_ptr<Entry>& entry) {
           return entry->areas > 0 && entry->viewer.covers(cell);
         });
}

void Viewers::queue(Entry& entry, const PublishedPtr& message) {
  if (!entry.viewer.queue(message)) ++counters_.overflows;
  want_to_send(entry);
}

// ---- coming and going ----------------------------------------------------------------------------------------------

void Viewers::accept(Nanoseconds now) {
  for (std::size_t calls = 0; calls < kViewerAcceptsAtOnce; ++calls) {
    tcp::endpoint viewer;
    auto size = static_cast<socklen_t>(viewer.capacity());
    Socket socket(accept4(listener_.descriptor(), viewer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const std::error_code error(socket.is_open() ? 0 : errno, std::system_category());
    if (error == std::errc::operation_would_block) return;
    if (error && !is_of_one_client(error)) {
      spdlog::debug("event=viewer_accept_failed reason=\"{}\"", error.message());
      return stop_accepting(now);
    }
    if (error) continue;
    viewer.resize(size);
    begin(std::move(socket), text_of(viewer), network_of(viewer.address()), now);
    if (access_ && !encrypted_accepts_.allows(now)) return stop_accepting(now);
  }
}

// Called when accept fails, for example for want of descriptors, where to retry at once would spin; and when there are
// too many encrypted handshakes.
void Viewers::stop_accepting(Nanoseconds now) {
  if (listens_) (void)poll_.watch(listener_.descriptor(), &listener_, {true, false}, {});
  listens_ = false;
  accept_again_ = now + kAcceptBackoff;
}

void Viewers::begin(Socket socket, const std::string& from, const Network& network, Nanoseconds now) {
  if (viewers_.size() >= limits_.viewers) {
    if (!make_room(network)) {
      ++counters_.refused;
      if (warnings_.allows(now)) {
        spdlog::warn("event=viewer_refused from={} viewers={} reason=\"too many viewers are connected\" suppressed={}",
                     from, viewers_.size(), warnings_.take_suppressed(now));
      }
      return;
    }
    forget_closed(now);
  }
  auto entry = std::make_unique<Entry>(std::move(socket), from, network,
                                       Viewer::Parts{.topics = topics_,
                                                     .access = access_ ? &*access_ : nullptr,
                                                     .queue = limits_.queue,
                                                     .queue_bytes = limits_.queue_bytes},
                                       now);
  ++counters_.accepted;
  spdlog::debug("event=viewer_connected from={}", from);
  if (handshakes_++ == 0) sweep_at_ = now + kViewerSweep;
  ++networks_[network];
  viewers_.push_back(std::move(entry));
  want_to_send(*viewers_.back());
  watch(*viewers_.back());
}

// Closes one connection for a new one at the bound; returns false if none qualifies. The victim belongs to the network
// with the most connections. If the newcomer's own network would then have the most, the victim belongs to that one,
// and must be a connection without a subscription. Within a network the order is: the oldest connection with an
// incomplete handshake (a handshake takes one round trip), the oldest one without subscriptions, the newest viewer.
bool Viewers::make_room(const Network& newcomer) {
  const auto most = std::max_element(networks_.begin(), networks_.end(),
                                     [](const auto& one, const auto& other) { return one.second < other.second; });
  if (most == networks_.end()) return false;
  const auto own = networks_.find(newcomer);
  const bool of_own = most->second <= (own == networks_.end() ? 0 : own->second) + 1;
  const Network& network = of_own ? newcomer : most->first;
  const auto age = [](const Entry& entry) { return entry.viewer.since(); };
  const auto youth = [](const Entry& entry) { return -entry.viewer.since(); };
  const auto is_of_network = [&](const Entry& entry) { return entry.network == network; };
  const auto shakes_hands = [&](const Entry& entry) { return is_of_network(entry) && !entry.viewer.is_greeted(); };
  const auto is_idle = [&](const Entry& entry) {
    return is_of_network(entry) && entry.counted == 0 && entry.areas == 0;
  };
  Entry* victim = first(shakes_hands, age);
  if (victim == nullptr) victim = first(is_idle, age);
  if (victim == nullptr && !of_own) victim = first(is_of_network, youth);
  if (victim == nullptr) return false;
  cut(*victim, "made room for another viewer");
  return true;
}

Viewers::Entry* Viewers::first(const std::function<bool(const Entry&)>& suits,
                               const std::function<Nanoseconds(const Entry&)>& order) const {
  Entry* found = nullptr;
  for (const auto& entry : viewers_) {
    if (!entry->viewer.is_open() || !suits(*entry)) continue;
    if (found == nullptr || order(*entry) < order(*found)) found = entry.get();
  }
  return found;
}

void Viewers::sweep(Nanoseconds now) {
  handshakes_ = 0;
  for (const auto& entry : viewers_) {
    if (!entry->viewer.is_open() || entry->viewer.is_greeted()) continue;
    if (now - entry->viewer.since() >= kViewerHandshakeTime) {
      cut(*entry, entry->viewer.is_refused() ? kUnknownKey : "its handshake took too long");
    } else {
      ++handshakes_;
    }
  }
  sweep_at_ = handshakes_ > 0 ? now + kViewerSweep : Nanoseconds::max();
}

void Viewers::relieve() {
  while (queued_bytes_ > limits_.all_bytes) {
    Entry* slowest = first([](const Entry& entry) { return entry.viewer.waiting() > 0; },
                           [](const Entry& entry) { return entry.viewer.taken_at(); });
    if (slowest == nullptr) return;
    cut(*slowest, "took nothing for longest, while all viewers together had too much to take");
  }
}

// Updates subscribed_ with the topics that the viewer covers now.
void Viewers::count(Entry& entry) {
  const TopicSet now = entry.viewer.covered();
  for (std::size_t topic = 0; topic < topics_.size(); ++topic) {
    const unsigned before_bit = entry.counted >> topic & 1U;
    const unsigned now_bit = static_cast<unsigned>(now) >> topic & 1U;
    subscribed_[topic] = subscribed_[topic] + now_bit - before_bit;
  }
  entry.counted = now;
  areas_ = areas_ + entry.viewer.areas() - entry.areas;
  entry.areas = entry.viewer.areas();
  has_closed_ = has_closed_ || !entry.viewer.is_open();
}

void Viewers::watch(Entry& entry) {
  if (!entry.viewer.is_open()) return;
  const SocketPoll::Interest wanted{true, entry.viewer.is_blocked()};
  if (poll_.watch(entry.viewer.descriptor(), &entry, entry.watched, wanted)) {
    entry.watched = wanted;
  } else {
    cut(entry, "epoll cannot watch its socket");
  }
}

void Viewers::want_to_send(Entry& entry) {
  if (entry.to_send || entry.viewer.is_blocked() || !entry.viewer.wants_to_send()) return;
  entry.to_send = true;
  to_send_.push_back(&entry);
}

void Viewers::cut(Entry& entry, std::string_view reason) {
  entry.viewer.close(reason);
  count(entry);
}

// The connection ends later (Viewer::is_refused()); the log shows the key now. The proof at the start is no viewer.
void Viewers::note_refused(const Viewer& viewer, Nanoseconds now) {
  if (viewer.key() == access_->stranger) return;
  ++counters_.refused;
  if (!warnings_.allows(now)) return;
  spdlog::warn("event=viewer_refused from={} key={} reason=\"{}\" suppressed={}", viewer.from(), viewer.key(),
               kUnknownKey, warnings_.take_suppressed(now));
}

void Viewers::warn(const Viewer& viewer, Nanoseconds now) {
  if (viewer.has_left() || viewer.is_refused()) {
    spdlog::debug("event=viewer_left from={} reason=\"{}\"", viewer.from(), viewer.closed_because());
    return;
  }
  ++counters_.cut;
  if (!warnings_.allows(now)) return;
  spdlog::warn("event=viewer_cut from={} reason=\"{}\" suppressed={}", viewer.from(), viewer.closed_because(),
               warnings_.take_suppressed(now));
}

// Removes closed connections. They stay in the lists until here, because a caller may be iterating over the lists.
void Viewers::forget_closed(Nanoseconds now) {
  has_closed_ = false;
  const auto is_closed = [](const Entry& entry) { return !entry.viewer.is_open(); };
  std::erase_if(to_send_, [&](const Entry* entry) { return is_closed(*entry); });
  std::erase_if(viewers_, [&](const std::unique_ptr<Entry>& entry) {
    if (!is_closed(*entry)) return false;
    warn(entry->viewer, now);
    if (--networks_[entry->network] == 0) networks_.erase(entry->network);
    return true;
  });
}

}  // namespace herd::node

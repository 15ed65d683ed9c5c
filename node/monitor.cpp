#include "node/monitor.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "bus/zmq_options.hpp"
#include "protocol/assert.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

constexpr std::array<std::string_view, 3> kLevelNames{"INFO", "WARNING", "ERROR"};
constexpr std::array<std::string_view, 5> kKindNames{"stats", "client", "peer", "places", "node"};

constexpr int kMaxSubscriptionBytes = 256;   // a topic is shorter, and libzmq keeps every subscription of a stranger
constexpr int kSendBufferBytes = 64 * 1024;  // what lies in the kernel is old news to a viewer that is behind
constexpr int kHandshakeMs = 2'000;          // libzmq's default lets a half-open stranger stay for 30 s
constexpr int kHeartbeatMs = 5'000;          // a viewer whose machine vanished is noticed
constexpr int kHeartbeatTimeoutMs = 15'000;

void set_options(zmq::socket_t& socket, const std::string& endpoint, int queue) {
  using namespace zmq::sockopt;
  socket.set(linger, bus::kLingerMs);
  socket.set(xpub_verboser, 1);  // each coming and going is told, also where others have subscribed the same
  socket.set(xpub_nodrop, 1);    // a full queue is an error that we see: see publish
  socket.set(sndhwm, queue);
  socket.set(sndbuf, kSendBufferBytes);
  socket.set(maxmsgsize, std::int64_t{kMaxSubscriptionBytes});
  socket.set(handshake_ivl, kHandshakeMs);
  socket.set(heartbeat_ivl, kHeartbeatMs);
  socket.set(heartbeat_timeout, kHeartbeatTimeoutMs);
  socket.set(ipv6, endpoint.find('[') != std::string::npos);  // without it libzmq cannot read the address
}

// A signal to the process makes even calls that do not wait fail with EINTR, and cppzmq throws it. Any other error
// would mean that the context ended before its socket.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    try {
      return call();
    } catch (const zmq::error_t& problem) {
      HERD_ASSERT(problem.num() == EINTR);
    }
  }
}

bool send(zmq::socket_t& socket, std::string_view frame, zmq::send_flags flags) {
  return uninterrupted([&] { return socket.send(zmq::buffer(frame), flags | zmq::send_flags::dontwait); }).has_value();
}

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::bind(zmq::context_t& context, const std::string& endpoint,
                                               const std::string& node, int queue) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::xpub);
    set_options(socket, endpoint, queue);
    socket.bind(endpoint);
    return std::unique_ptr<Monitor>(new Monitor(std::move(socket), node));
  } catch (const zmq::error_t& problem) {
    return fail(
        fmt::format("monitor address {} cannot be bound: {}; end what uses it or give node {} another `monitor`",
                    endpoint, problem.what(), node));
  }
}

Monitor::Monitor(zmq::socket_t socket, std::string node) : socket_(std::move(socket)), node_(std::move(node)) {
  static_assert(kLevelNames.size() == kLevels && kKindNames.size() == kKinds, "every level and kind has its word");
  for (std::size_t level = 0; level < kLevels; ++level) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      topics_[level * kKinds + kind].text = fmt::format("herd.{}.{}.{}", kLevelNames[level], kKindNames[kind], node_);
    }
  }
}

int Monitor::fd() const {
  return socket_.get(zmq::sockopt::fd);
}

Monitor::Subscriptions Monitor::drain_subscriptions() {
  Subscriptions news;
  for (int read = 0; read < kSubscriptionsPerTurn; ++read) {
    zmq::message_t message;
    if (!uninterrupted([&] { return socket_.recv(message, zmq::recv_flags::dontwait); })) return news;
    note_subscription(message.to_string_view(), news);
  }
  news.more = true;
  return news;
}

// A subscription is a 1 and the prefix, its end a 0 and the prefix; a viewer that goes ends all of its own. Whatever
// else a stranger sends here is passed over.
void Monitor::note_subscription(std::string_view message, Subscriptions& news) {
  if (message.empty() || (message[0] != '\0' && message[0] != '\1')) return;
  const bool begins = message[0] == '\1';
  const auto prefix = message.substr(1);
  for (auto& topic : topics_) {
    if (!topic.text.starts_with(prefix)) continue;
    if (begins) {
      ++topic.subscriptions;
    } else if (topic.subscriptions > 0) {
      --topic.subscriptions;
    }
  }
  news.stats_wanted =
      news.stats_wanted || (begins && topic({EventLevel::Info, EventKind::Stats}).text.starts_with(prefix));
}

void Monitor::publish(Subject subject, std::string_view event, std::span<const Field> fields,
                      protocol::Nanoseconds wall) {
  if (!wanted(subject)) return;
  auto& topic = topics_[index(subject)];
  const auto timestamp = utc_text(wall);
  body_ = R"({"v":1)";
  const std::array<Field, 4> first{
      {{"node", node_}, {"seq", ++topic.events}, {"timestamp", timestamp}, {"event", event}}};
  for (const auto part : {std::span<const Field>(first), fields}) {
    for (const auto& field : part) {
      body_ += ',';
      append_field(body_, field);
    }
  }
  body_ += '}';
  ++published_;
  if (try_to_send(topic)) return;
  // libzmq notes what a viewer has read only now and then. Reading ZMQ_EVENTS makes it look, or one that keeps up would
  // be taken for full.
  (void)uninterrupted([&] { return socket_.get(zmq::sockopt::events); });
  if (try_to_send(topic)) return;
  // Somebody is full. Without NODROP the message goes to all others.
  ++overflows_;
  socket_.set(zmq::sockopt::xpub_nodrop, 0);
  try_to_send(topic);
  socket_.set(zmq::sockopt::xpub_nodrop, 1);
}

// False if NODROP is set and the queue of a viewer who wants this is full: then nobody was sent anything.
bool Monitor::try_to_send(const Topic& topic) {
  if (!send(socket_, topic.text, zmq::send_flags::sndmore)) return false;
  // Room is counted in messages, so the second frame always finds the room that the first one found.
  HERD_ASSERT(send(socket_, body_, zmq::send_flags::none));
  return true;
}

}  // namespace herd::node

// Two replicas, Hill and Smith, and a simulated wire between them. The test decides when messages are delivered and
// which are lost.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/replica/replica.hpp"
#include "protocol/time_text.hpp"

namespace herd::bus {

using namespace std::chrono_literals;

inline constexpr protocol::Now kStart{100s, 1'700'000'000s};

// The ids that a replica with this first incarnation draws. All ids that replicas of one test draw are different.
inline std::function<std::uint64_t()> drawn_ids(std::uint64_t incarnation) {
  return [next = incarnation * 1'000'000'000]() mutable { return ++next; };
}

inline std::unique_ptr<Replica> make_replica(std::string name, std::vector<std::string> peers,
                                             std::uint64_t incarnation, LinkLimits limits = {},
                                             NodeReports* reports = nullptr) {
  Replica::Options options{
      {"herd", std::move(name), incarnation, incarnation + 1'000'000}, std::move(peers), limits, incarnation};
  options.jitter_seed = incarnation;
  options.random_id = drawn_ids(incarnation);
  options.reports = reports;
  return std::make_unique<Replica>(options);
}

// A client reports its location. The texts must be valid.
inline AcceptOutcome accept(Replica& replica, std::string_view client, std::string_view time_text, protocol::Now now,
                            std::string_view coordinates = "+1-2") {
  protocol::Iamat iamat;
  iamat.client = client;
  iamat.coordinates = coordinates;
  iamat.time_text = time_text;
  iamat.time = protocol::parse_time(time_text).value();
  return replica.accept(iamat, now);
}

inline void receive(Replica& replica, std::string_view route, const Outgoing& message, protocol::Now now) {
  Incoming incoming{route, message.header, std::nullopt};
  if (message.body) incoming.body = *message.body;
  replica.receive(incoming, now);
}

inline void receive(Replica& replica, std::string_view route, const protocol::Message& message, protocol::Now now) {
  replica.receive({route, protocol::encode(message), std::nullopt}, now);
}

class TwoReplicas {
 public:
  std::unique_ptr<Replica> hill;
  std::unique_ptr<Replica> smith;
  protocol::Now now = kStart;
  // Whether a message arrives; by default all do.
  std::function<bool(const protocol::Message&)> arrives = [](const auto&) { return true; };
  // Changes a message on its way; by default does nothing.
  std::function<void(const protocol::Message&, Outgoing&)> tamper = [](const auto&, auto&) {};
  std::size_t delivered = 0;

  explicit TwoReplicas(LinkLimits limits = {})
      : hill(make_replica("Hill", {"Smith"}, 1, limits)), smith(make_replica("Smith", {"Hill"}, 2, limits)) {}

  // Delivers messages until neither replica has more to send now. False if that does not end within 1,000 rounds.
  bool deliver() {
    for (int round = 0; round < 1000; ++round) {
      hill->tick(now);
      smith->tick(now);
      const std::size_t before = delivered;
      deliver(*hill, *smith, "from Hill");
      deliver(*smith, *hill, "from Smith");
      if (delivered == before) return true;
    }
    return false;
  }

  // Time passes in steps of up to 50 ms, and all messages are delivered.
  bool advance(protocol::Nanoseconds time) {
    const protocol::Nanoseconds end = now.steady + time;
    while (now.steady < end) {
      const protocol::Nanoseconds step = std::min<protocol::Nanoseconds>(50ms, end - now.steady);
      now.steady += step;
      now.wall += step;
      if (!deliver()) return false;
    }
    return true;
  }

  [[nodiscard]] bool equal() const { return hill->store().digest() == smith->store().digest(); }

 private:
  void deliver(Replica& from, Replica& to, std::string_view route) {
    while (auto message = from.take(0, now)) {
      ++delivered;
      const protocol::Message decoded = protocol::decode(message->header).value();
      tamper(decoded, *message);
      if (arrives(decoded)) receive(to, route, *message, now);
    }
  }
};

}  // namespace herd::bus

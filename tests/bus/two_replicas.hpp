// Two replicas, Hill and Smith, and a wire between them that a test holds in its hand: it decides when something is
// carried, and what is lost.
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

// What a replica of this first incarnation draws: others each time, and none that another replica of a test draws.
inline std::function<std::uint64_t()> drawn_ids(std::uint64_t life) {
  return [next = life * 1'000'000'000]() mutable { return ++next; };
}

inline std::unique_ptr<Replica> make_replica(std::string name, std::vector<std::string> peers, std::uint64_t life,
                                             LinkLimits limits = {}) {
  Replica::Options options{{"herd", std::move(name), life, life + 1'000'000}, std::move(peers), limits, life};
  options.jitter_seed = life;
  options.random_id = drawn_ids(life);
  return std::make_unique<Replica>(options);
}

// A client says where it is. The texts are valid, or a test is wrong.
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
  // Whether a message arrives; all do unless a test says otherwise.
  std::function<bool(const protocol::Message&)> arrives = [](const auto&) { return true; };
  // What becomes of it on the way; nothing does unless a test says so.
  std::function<void(const protocol::Message&, Outgoing&)> tamper = [](const auto&, auto&) {};
  std::size_t delivered = 0;

  explicit TwoReplicas(LinkLimits limits = {})
      : hill(make_replica("Hill", {"Smith"}, 1, limits)), smith(make_replica("Smith", {"Hill"}, 2, limits)) {}

  // Carries all that is to be said until nobody has anything more to say now. False where that never ends.
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

  // Time passes in small steps, and all that is said is carried.
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
      const protocol::Message said = protocol::decode(message->header).value();
      tamper(said, *message);
      if (arrives(said)) receive(to, route, *message, now);
    }
  }
};

}  // namespace herd::bus

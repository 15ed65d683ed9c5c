// Peers with host names, with a resolver of which the test gives the answers.
#include "bus/zmq/peer_addresses.hpp"

#include <map>
#include <set>

#include "tests/bus/pumped_bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

class FakeResolver : public NameResolver {
 public:
  std::map<std::string, std::vector<std::string>> table;  // a name that is not in it gets no answer
  std::map<std::string, int> asked;

  void ask(const std::string& host) override {
    ++asked[host];
    under_way_.insert(host);
  }
  std::optional<HostAnswer> take_answer() override {
    for (const std::string& host : under_way_) {
      const auto known = table.find(host);
      if (known == table.end()) continue;
      HostAnswer answer{host, known->second, known->second.empty() ? "it is unknown" : ""};
      under_way_.erase(host);
      return answer;
    }
    return std::nullopt;
  }

 private:
  std::set<std::string> under_way_;
};

constexpr Now at(Nanoseconds steady) {
  return {steady, {}};
}
constexpr auto kNoneIsUp = [](PeerIndex) { return false; };

// Hill, which knows Smith by a name, and Smith at a free port of 127.0.0.1.
struct NamedPair {
  FakeResolver resolver;
  zmq::context_t context;
  std::unique_ptr<Replica> hill = make_replica("Hill", {"Smith"}, 1);
  std::unique_ptr<Replica> smith = make_replica("Smith", {"Hill"}, 2);
  std::string hills = free_address();
  std::string smiths_port = std::to_string(herd::node::free_port());
  std::unique_ptr<PumpedBus> hills_bus;
  std::unique_ptr<PumpedBus> smiths_bus;

  explicit NamedPair(const std::string& smiths_host = "127.0.0.1") {
    hills_bus = PumpedBus::open(context, {{hills}, {"tcp://smith.example:" + smiths_port}, &resolver}, *hill);
    start_smith(smiths_host);
    REQUIRE(hills_bus);
  }

  // A former socket may still hold the port.
  void start_smith(const std::string& host) {
    smiths_bus.reset();
    const Nanoseconds end = real_time().steady + 10s;
    while (!smiths_bus && real_time().steady < end) {
      smiths_bus = PumpedBus::open(context, {{"tcp://" + host + ":" + smiths_port}, {hills}}, *smith);
    }
    REQUIRE(smiths_bus);
  }

  template <typename Condition>
  bool until(Condition holds) {
    const Nanoseconds end = real_time().steady + 20s;
    while (!holds()) {
      if (real_time().steady > end) return false;
      hills_bus->run_once();
      if (smiths_bus) smiths_bus->run_once();
    }
    return true;
  }
  [[nodiscard]] bool is_up() const { return hill->connected(0, real_time()) == Connected::Up; }
  [[nodiscard]] bool has(const Replica& replica, const char* client) const { return replica.find(client).has_value(); }
};

}  // namespace

TEST_CASE("two peers with one host name share its lookup, and an answer goes to all of them") {
  FakeResolver resolver;
  resolver.table["a.example"] = {"192.0.2.1"};
  PeerAddresses addresses(&resolver);
  addresses.set(0, "tcp://a.example:1");
  addresses.set(1, "tcp://192.0.2.9:2");
  addresses.set(2, "tcp://a.example:3");
  addresses.set(3, "tcp://b.example:4");
  CHECK(addresses.update(kNoneIsUp, at(100s)).empty());
  CHECK(resolver.asked == std::map<std::string, int>{{"a.example", 2}, {"b.example", 1}});
  CHECK(addresses.update(kNoneIsUp, at(100s)) == std::vector<PeerIndex>{0, 2});
  CHECK(addresses.endpoint(0) == "tcp://192.0.2.1:1");
  CHECK(addresses.endpoint(1) == "tcp://192.0.2.9:2");
  CHECK(addresses.endpoint(2) == "tcp://192.0.2.1:3");
  CHECK(addresses.endpoint(3).empty());
  const auto changes = addresses.take_changes();
  REQUIRE(changes.size() == 2);
  CHECK(changes[1].peer == 2);
  CHECK(addresses.take_changes().empty());
  CHECK(addresses.due() > 100s);
}

TEST_CASE("a herd without host names needs no resolver, and is never due") {
  PeerAddresses addresses(nullptr);
  addresses.set(0, "tcp://192.0.2.1:1");
  addresses.set(1, "tcp://[::1]:2");
  CHECK(addresses.update(kNoneIsUp, at(100s)).empty());
  CHECK(addresses.due() == Nanoseconds::max());
}

TEST_CASE("a peer that is removed is not looked up, and its number may get another address") {
  FakeResolver resolver;
  resolver.table["b.example"] = {"192.0.2.2"};
  PeerAddresses addresses(&resolver);
  addresses.set(0, "tcp://a.example:1");
  addresses.set(1, "tcp://192.0.2.9:2");
  addresses.remove(0);
  CHECK(addresses.update(kNoneIsUp, at(100s)).empty());
  CHECK(resolver.asked.empty());
  addresses.set(0, "tcp://b.example:3");
  addresses.set(1, "tcp://192.0.2.8:2");  // instead of its former address
  CHECK(addresses.update(kNoneIsUp, at(101s)).empty());
  CHECK(addresses.update(kNoneIsUp, at(101s)) == std::vector<PeerIndex>{0});
  CHECK(addresses.endpoint(0) == "tcp://192.0.2.2:3");
  CHECK(addresses.endpoint(1) == "tcp://192.0.2.8:2");
}

TEST_CASE("a bus connects to a peer by its host name as soon as the name is known") {
  NamedPair pair;
  for (int i = 0; i < 50; ++i) {  // the resolver does not answer
    pair.hills_bus->run_once();
    pair.smiths_bus->run_once();
  }
  CHECK_FALSE(pair.is_up());
  CHECK(pair.hills_bus->bus().addresses().endpoint(0).empty());
  pair.resolver.table["smith.example"] = {"127.0.0.1"};
  REQUIRE(pair.until([&] { return pair.is_up(); }));
  CHECK(pair.hills_bus->bus().addresses().endpoint(0) == "tcp://127.0.0.1:" + pair.smiths_port);
  REQUIRE(accept(*pair.hill, "kiwi", "5", real_time()).result == Accepted::Stored);
  CHECK(pair.until([&] { return pair.has(*pair.smith, "kiwi"); }));
}

TEST_CASE("a bus tries the addresses of a name in turn") {
  NamedPair pair;
  pair.resolver.table["smith.example"] = {"::1", "127.0.0.2", "127.0.0.1"};  // nothing listens at the first two
  REQUIRE(pair.until([&] { return pair.is_up(); }));
  CHECK(pair.hills_bus->bus().addresses().endpoint(0) == "tcp://127.0.0.1:" + pair.smiths_port);
}

TEST_CASE("a bus follows a peer to the new address of its name") {
  NamedPair pair;
  pair.resolver.table["smith.example"] = {"127.0.0.1"};
  REQUIRE(pair.until([&] { return pair.is_up(); }));
  const int asked = pair.resolver.asked["smith.example"];
  pair.start_smith("127.0.0.2");
  pair.resolver.table["smith.example"] = {"127.0.0.2"};
  const auto is_moved = [&] {
    return pair.hills_bus->bus().addresses().endpoint(0) == "tcp://127.0.0.2:" + pair.smiths_port;
  };
  REQUIRE(pair.until(is_moved));
  REQUIRE(pair.until([&] { return pair.is_up(); }));
  CHECK(pair.resolver.asked["smith.example"] > asked);
  REQUIRE(accept(*pair.hill, "kiwi", "5", real_time()).result == Accepted::Stored);
  CHECK(pair.until([&] { return pair.has(*pair.smith, "kiwi"); }));
}

TEST_CASE("a name that cannot be looked up any more leaves the link as it is") {
  NamedPair pair;
  pair.resolver.table["smith.example"] = {"127.0.0.1"};
  REQUIRE(pair.until([&] { return pair.is_up(); }));
  pair.resolver.table["smith.example"] = {};
  pair.smiths_bus.reset();
  REQUIRE(pair.until([&] { return !pair.is_up(); }));
  pair.start_smith("127.0.0.1");
  REQUIRE(pair.until([&] { return pair.is_up(); }));
}

TEST_CASE("a bus binds all addresses of its own name") {
  zmq::context_t context;
  const auto hill = make_replica("Hill", {"Smith"}, 1);
  const auto smith = make_replica("Smith", {"Hill"}, 2);
  const std::string port = std::to_string(herd::node::free_port());
  const auto hills = PumpedBus::open(
      context, {{"tcp://127.0.0.1:" + port, "tcp://127.0.0.2:" + port}, {"tcp://127.0.0.3:" + port}}, *hill);
  const auto smiths = PumpedBus::open(context, {{"tcp://127.0.0.3:" + port}, {"tcp://127.0.0.2:" + port}}, *smith);
  REQUIRE(hills);
  REQUIRE(smiths);
  const Nanoseconds end = real_time().steady + 20s;
  while (smith->connected(0, real_time()) != Connected::Up && real_time().steady < end) {
    hills->run_once();
    smiths->run_once();
  }
  CHECK(smith->connected(0, real_time()) == Connected::Up);
}

// Encrypted buses over real sockets on the loopback interface: who is refused, and what a reload of the keys changes.
#include "bus/zmq/encryption.hpp"

#include <algorithm>

#include "bus/zmq/checksum.hpp"
#include "bus/zmq/stranger_probe.hpp"
#include "bus/zmq/zmq_options.hpp"
#include "tests/bus/encrypted_process.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

using Keys = std::vector<std::string>;

bool contains(const std::vector<std::string>& texts, std::string_view part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

// Addresses and key pairs of Hill and Smith.
struct Two {
  std::string hills = free_address();
  std::string smiths = free_address();
  KeyPair hill = make_key_pair();
  KeyPair smith = make_key_pair();

  [[nodiscard]] BusKeys keys_of(const KeyPair& own) const { return {own, nodes(), {}}; }
  [[nodiscard]] std::vector<BusKeys::Named> nodes() const {
    return {{"Hill", {hill.public_key}}, {"Smith", {smith.public_key}}};
  }
  [[nodiscard]] Process start_hill() const { return start_hill(keys_of(hill)); }
  [[nodiscard]] Process start_smith() const { return start_smith(keys_of(smith)); }
  [[nodiscard]] Process start_hill(const BusKeys& keys) const { return {"Hill", hills, {{"Smith", smiths}}, keys}; }
  [[nodiscard]] Process start_smith(const BusKeys& keys) const { return {"Smith", smiths, {{"Hill", hills}}, keys}; }
};

bool are_up(const Process& one, const Process& other) {
  return one.link() == Connected::Up && other.link() == Connected::Up;
}
bool are_equal(const Process& one, const Process& other) {
  return are_up(one, other) && one.replica->store().digest() == other.replica->store().digest();
}

// A DEALER of a test that sends one HELLO of Smith again and again.
class Stranger {
 public:
  // `pair` nullopt: it uses no encryption.
  Stranger(const std::string& address, const std::optional<KeyPair>& pair, const std::string& server)
      : socket_(context_, zmq::socket_type::dealer) {
    set_sender_options(socket_);
    if (pair) {
      socket_.set(zmq::sockopt::curve_serverkey, server);
      socket_.set(zmq::sockopt::curve_publickey, pair->public_key);
      socket_.set(zmq::sockopt::curve_secretkey, pair->secret_key);
    }
    socket_.connect(address);
  }

  // A client that finds the other end without its mechanism first does not dial again itself.
  void dial_again(const std::string& address) {
    socket_.disconnect(address);
    socket_.connect(address);
  }

  // Returns whether ZeroMQ took it: it does only after a handshake.
  bool send() {
    Hello hello;
    hello.version = kProtocolVersion;
    hello.oldest_version = kOldestProtocolVersion;
    hello.herd = "herd";
    hello.node = "Smith";
    hello.incarnation = hello.feed_id = 77;
    const std::string header = encode(hello);
    const Checksum checksum = checksum_of(header, std::nullopt);
    if (!socket_.send(zmq::buffer(header), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return false;
    return socket_.send(zmq::buffer(checksum), zmq::send_flags::dontwait).has_value();
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

}  // namespace

TEST_CASE("two encrypted buses make the stores equal, and the guard counts the bytes of encryption") {
  const Two two;
  Process hill = two.start_hill();
  Process smith = two.start_smith();
  for (int i = 0; i < 20'000; ++i) {
    (void)accept(*hill.replica, "a" + std::to_string(i), "5", real_time());
    (void)accept(*smith.replica, "b" + std::to_string(i), "5", real_time());
  }
  REQUIRE(until({&hill, &smith}, [&] { return are_equal(hill, smith); }));
  CHECK(hill.replica->store().size() == 40'000);
  CHECK(hill.replica->counters().messages_refused == 0);
  CHECK(hill.bus().counts().cut == 0);
  CHECK(smith.bus().counts().cut == 0);
}

TEST_CASE("single updates over an encrypted link never count as too much data in ZeroMQ") {
  const Two two;
  Process hill = two.start_hill();
  Process smith = two.start_smith();
  REQUIRE(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
  for (int i = 1; i <= 30'000; ++i) {
    (void)accept(*hill.replica, "kiwi", std::to_string(i), real_time());
    hill.run_once();
    smith.run_once();
  }
  REQUIRE(until({&hill, &smith}, [&] { return are_equal(hill, smith); }));
  CHECK(hill.cuts.empty());
  CHECK(smith.cuts.empty());
}

TEST_CASE("a stranger with a random key, or without one, or with another key of the server, is refused and counted") {
  const Two two;
  Process hill = two.start_hill();
  CHECK(hill.bus().counts().refused == 0);  // the proof at the start is not counted
  const KeyPair random = make_key_pair();
  struct Case {
    std::optional<KeyPair> pair;
    std::string server;
    std::string reason;
  };
  for (const Case& stranger :
       {Case{random, two.hill.public_key, "its key is of no node in public.toml"},
        Case{std::nullopt, "", "it proved no key"}, Case{two.smith, random.public_key, "it proved no key"}}) {
    INFO(stranger.reason);
    Stranger dealer(two.hills, stranger.pair, stranger.server);
    bool taken = false;
    const std::uint64_t before = hill.bus().counts().refused;
    hill.refused.clear();
    const auto counted = [&] {
      taken = taken || dealer.send();
      return hill.bus().counts().refused > before;
    };
    for (int i = 0; i < 20 && !until({&hill}, counted, 500ms); ++i) dealer.dial_again(two.hills);
    REQUIRE(hill.bus().counts().refused > before);
    CHECK(contains(hill.refused, stranger.reason));
    CHECK_FALSE(until(
        {&hill}, [&] { return taken = taken || dealer.send(); }, 300ms));
    CHECK_FALSE(taken);
  }
  CHECK(hill.replica->counters().messages_refused == 0);
  CHECK(hill.link() == Connected::Down);
}

TEST_CASE("a node of which the key is added later joins by itself") {
  const Two two;
  BusKeys alone = two.keys_of(two.hill);
  alone.nodes.pop_back();
  Process hill = two.start_hill(alone);
  Process smith = two.start_smith();
  REQUIRE(until({&hill, &smith}, [&] { return hill.bus().counts().refused > 0; }));
  CHECK_FALSE(until(
      {&hill, &smith}, [&] { return hill.link() == Connected::Up; }, 500ms));
  CHECK(hill.bus().set_keys(two.keys_of(two.hill), real_time()));
  CHECK(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
}

TEST_CASE("the same keys again change nothing") {
  const Two two;
  Process hill = two.start_hill();
  Process smith = two.start_smith();
  REQUIRE(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
  CHECK_FALSE(hill.bus().set_keys(two.keys_of(two.hill), real_time()));
  CHECK_FALSE(until(
      {&hill, &smith}, [&] { return !are_up(hill, smith); }, 500ms));
  CHECK(hill.cuts.empty());
}

TEST_CASE("a key that is revoked at a reload ends its link, and does not come back while it is revoked") {
  const Two two;
  Process hill = two.start_hill();
  Process smith = two.start_smith();
  REQUIRE(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
  BusKeys revoked = two.keys_of(two.hill);
  revoked.revoked = {two.smith.public_key};
  CHECK(hill.bus().set_keys(revoked, real_time()));
  (void)accept(*smith.replica, "kiwi", "5", real_time());
  REQUIRE(until({&hill, &smith}, [&] { return hill.link() == Connected::Down; }));
  CHECK(contains(hill.cuts, "its key was removed or revoked"));
  CHECK_FALSE(until(
      {&hill, &smith}, [&] { return hill.replica->find("kiwi").has_value(); }, 1s));
  CHECK(until({&hill, &smith}, [&] { return contains(hill.refused, "its key is revoked"); }));
  CHECK(hill.bus().set_keys(two.keys_of(two.hill), real_time()));
  CHECK(until({&hill, &smith}, [&] { return are_equal(hill, smith); }));  // the dialler tries again after kRefusedWait
}

TEST_CASE("a node changes its own key, and its peer follows to the next key without losing an update") {
  const Two two;
  const KeyPair next = make_key_pair();
  const std::vector<BusKeys::Named> nodes{{"Hill", {two.hill.public_key, next.public_key}},
                                          {"Smith", {two.smith.public_key}}};
  Process hill = two.start_hill({two.hill, nodes, {}});
  Process smith = two.start_smith({two.smith, nodes, {}});
  REQUIRE(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
  for (int i = 0; i < 1'000; ++i) (void)accept(*smith.replica, "client" + std::to_string(i), "5", real_time());
  CHECK(hill.bus().set_keys({next, nodes, {}}, real_time()));
  (void)accept(*hill.replica, "kiwi", "5", real_time());
  REQUIRE(until({&hill, &smith}, [&] { return are_equal(hill, smith); }));
  CHECK(hill.replica->store().size() == 1'001);
  // The old key is retired on both hosts, in any order.
  const std::vector<BusKeys::Named> retired{{"Hill", {next.public_key}}, {"Smith", {two.smith.public_key}}};
  CHECK(smith.bus().set_keys({two.smith, retired, {two.hill.public_key}}, real_time()));
  CHECK(hill.bus().set_keys({next, retired, {two.hill.public_key}}, real_time()));
  CHECK_FALSE(until(
      {&hill, &smith}, [&] { return !are_up(hill, smith); }, 1s));
}

TEST_CASE("a process with another node's key is refused, whichever name it uses") {
  const Two two;
  const std::string twins = free_address();
  BusKeys keys = two.keys_of(two.hill);
  const KeyPair jaquez = make_key_pair();
  keys.nodes.push_back({"Jaquez", {jaquez.public_key}});
  Process hill("Hill", two.hills, {{"Smith", two.smiths}, {"Jaquez", twins}}, keys);
  Process liar("Jaquez", twins, {{"Hill", two.hills}}, two.keys_of(two.smith));
  std::vector<std::string> reasons;
  REQUIRE(until({&hill, &liar}, [&] {
    for (const PeerRefused& refusal : hill.replica->take_events().refused) reasons.push_back(refusal.reason);
    return !reasons.empty();
  }));
  CHECK(reasons[0].find("it uses the key of node 'Smith'") == 0);
  CHECK(hill.link(1) == Connected::Down);
}

TEST_CASE("a peer without encryption is dialled again and again, and linked as soon as it has encryption") {
  const Two two;
  Process hill = two.start_hill();
  zmq::context_t context;
  {
    zmq::socket_t plain(context, zmq::socket_type::router);
    plain.set(zmq::sockopt::linger, 0);
    plain.bind(two.smiths);
    CHECK_FALSE(until(
        {&hill}, [&] { return hill.link() == Connected::Up; }, 2s));
  }
  Process smith = two.start_smith();
  CHECK(until({&hill, &smith}, [&] { return are_up(hill, smith); }));
}

TEST_CASE("a port that accepts any key is noticed by the probe, and one that does not answer too") {
  zmq::context_t context;
  const KeyPair pair = make_key_pair();
  const std::string address = free_address();
  {
    zmq::socket_t open(context, zmq::socket_type::router);
    open.set(zmq::sockopt::linger, 0);
    open.set(zmq::sockopt::curve_server, true);
    open.set(zmq::sockopt::curve_secretkey, pair.secret_key);
    open.bind(address);
    StrangerProbe probe(context, address, pair.public_key);
    CHECK(probe.wait(-1, [] {}) == StrangerProbe::Outcome::Accepted);
  }
  StrangerProbe probe(context, free_address(), pair.public_key);
  CHECK(probe.wait(-1, [] {}) == StrangerProbe::Outcome::NoAnswer);
}

TEST_CASE("a wildcard address is probed at the loopback address") {
  const Two two;
  const std::string port = two.hills.substr(two.hills.rfind(':'));
  for (const char* host : {"tcp://0.0.0.0", "tcp://[::]"}) {
    const Process hill("Hill", host + port, {{"Smith", two.smiths}}, two.keys_of(two.hill));
    CHECK(hill.pumped);
  }
}

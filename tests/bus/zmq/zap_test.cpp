// What really refuses a stranger's key in libzmq 4.3.4 (docs/decisions/0031-curve.md has the table), and the ZAP
// server.
#include "bus/zmq/zap.hpp"

#include <chrono>
#include <memory>
#include <thread>

#include "bus/zmq/monitored.hpp"
#include "tests/bus/pumped_bus.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;

namespace {

constexpr int kEnforceDomain = 93;

// A CURVE server with these settings, and a DEALER with a key.
struct Pair {
  zmq::context_t context;
  zmq::socket_t router{context, zmq::socket_type::router};
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
  std::unique_ptr<ZapServer> zap;
  KeyPair server = make_key_pair();
  KeyPair client = make_key_pair();
  zmq::socket_t events = monitor_of(context, dealer, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  std::vector<std::string> asked;
  std::string address = free_address();

  struct Settings {
    bool zap = true;
    bool domain = true;
    bool enforce = true;
  };
  explicit Pair(const Settings& settings) {
    if (settings.zap) zap = std::make_unique<ZapServer>(context);
    router.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::linger, 0);
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, server.secret_key);
    if (settings.domain) router.set(zmq::sockopt::zap_domain, "herd");
    const int yes = 1;
    if (settings.enforce) REQUIRE(zmq_setsockopt(router.handle(), kEnforceDomain, &yes, sizeof yes) == 0);
    router.bind(address);
    dealer.set(zmq::sockopt::curve_serverkey, server.public_key);
    dealer.set(zmq::sockopt::curve_publickey, client.public_key);
    dealer.set(zmq::sockopt::curve_secretkey, client.secret_key);
  }
  ~Pair() { (void)zmq_socket_monitor(dealer.handle(), nullptr, 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Dials, and answers with this admission, until the dealer's handshake ends or the time is over. Returns whether it
  // succeeded.
  bool succeeds(Admission admission, Nanoseconds patience) {
    dealer.connect(address);
    const Nanoseconds end = real_time().steady + patience;
    while (real_time().steady < end) {
      if (zap) {
        while (zap->serve([&](const ZapServer::Request& request) {
          asked.push_back(request.key);
          CHECK(request.host == "127.0.0.1");
          return admission;
        })) {
        }
      }
      if (const auto event = read_event(events)) return event->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }
};

}  // namespace

TEST_CASE("without a ZAP server every key is accepted, unless the domain is set and enforced") {
  CHECK(Pair({.zap = false, .domain = false, .enforce = false}).succeeds(Admission::Unknown, 5s));
  CHECK(Pair({.zap = false, .domain = true, .enforce = false}).succeeds(Admission::Unknown, 5s));
  CHECK_FALSE(Pair({.zap = false, .domain = true, .enforce = true}).succeeds(Admission::Unknown, 500ms));
}

TEST_CASE("an enforced domain that is empty accepts every key, and does not ask") {
  Pair pair({.zap = true, .domain = false, .enforce = true});
  CHECK(pair.succeeds(Admission::Revoked, 5s));
  CHECK(pair.asked.empty());
}

TEST_CASE("a ZAP server that is gone refuses nothing, unless the domain is enforced") {
  Pair lax({.zap = true, .domain = true, .enforce = false});
  lax.zap.reset();
  std::this_thread::sleep_for(300ms);  // ZeroMQ's reaper closes the socket; until then the question waits for an answer
  CHECK(lax.succeeds(Admission::Unknown, 5s));
  Pair strict({.zap = true, .domain = true, .enforce = true});
  strict.zap.reset();
  CHECK_FALSE(strict.succeeds(Admission::Unknown, 500ms));
}

TEST_CASE("a known key is accepted and comes with each message, an unknown or revoked one is not accepted") {
  Pair known({});
  REQUIRE(known.succeeds(Admission::Known, 5s));
  CHECK(known.asked == std::vector<std::string>{known.client.public_key});
  known.dealer.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  zmq::message_t frame;
  (void)known.router.get(zmq::sockopt::events);  // then the identity frame has lost its metadata
  REQUIRE(known.router.recv(frame));
  REQUIRE(known.router.recv(frame));
  CHECK(frame.to_string_view() == "hello");
  CHECK(key_of(frame) == known.client.public_key);
  CHECK(zmq_msg_get(frame.handle(), ZMQ_SRCFD) > 0);
  Pair unknown({});
  CHECK_FALSE(unknown.succeeds(Admission::Unknown, 500ms));
  CHECK_FALSE(unknown.asked.empty());
  Pair revoked({});
  CHECK_FALSE(revoked.succeeds(Admission::Revoked, 5s));
  CHECK(revoked.asked.size() == 1);
}

TEST_CASE("a frame without encryption has no key") {
  zmq::message_t frame;
  CHECK(key_of(frame).empty());
}

TEST_CASE("a context has one ZAP server") {
  zmq::context_t context;
  const ZapServer first(context);
  CHECK_THROWS_AS(ZapServer(context), zmq::error_t);
}

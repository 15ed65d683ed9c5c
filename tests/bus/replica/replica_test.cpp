#include "bus/replica/replica.hpp"

#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

// One replica: how it handles reports and messages. Two replicas with a link are in two_replicas_test.cpp.

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kPeerIncarnation = 200;
constexpr std::uint64_t kPeerFeed = 201;

Hello hello_of(std::string node, std::uint64_t incarnation = kPeerIncarnation) {
  Hello hello;
  hello.herd = "herd";
  hello.node = std::move(node);
  hello.incarnation = incarnation;
  hello.feed_id = kPeerFeed;
  hello.attempt = 1;
  return hello;
}

Update readable(std::uint64_t number = 1) {
  Update update;
  update.id = {"Campbell", 9, number};
  update.client = "kiwi";
  update.coordinates = "+1-2";
  update.time_text = "5";
  return update;
}

// A replica named Hill with two peers, of which Smith has sent HELLO.
struct OneReplica {
  std::unique_ptr<Replica> hill = make_replica("Hill", {"Jaquez", "Smith"}, 1);
  Now now = kStart;

  explicit OneReplica(bool with_hello = true) {
    if (with_hello) receive(*hill, "smith's", hello_of("Smith"), now);
    (void)messages();
  }

  void batch(const std::vector<Update>& updates, ChangeNumber to = 1) {
    BodyEncoder encoder;
    for (const Update& update : updates) REQUIRE(encoder.add(update));
    batch_of(encoder.finish(), to);
  }
  void batch_of(std::optional<std::string> body, ChangeNumber to = 1) {
    const std::string header = encode(Batch{{kPeerIncarnation, hill->self().incarnation}, 1, 0, to, 0, 0});
    Incoming incoming{"smith's", header, std::nullopt};
    if (body) incoming.body = *body;
    hill->receive(incoming, now);
  }
  // The messages that it has for a peer (by default Smith), batches included.
  std::vector<Message> messages(PeerIndex peer = 1) {
    std::vector<Message> all;
    while (const auto message = hill->take(peer, now)) all.push_back(decode(message->header).value());
    return all;
  }
  bool acknowledges(ChangeNumber to) {
    for (const Message& message : messages()) {
      if (const auto* ack = std::get_if<Ack>(&message)) return ack->merged == to;
    }
    return false;
  }
  std::string refusal() {
    const Events events = hill->take_events();
    return events.refused.size() == 1 ? events.refused[0].peer + ": " + events.refused[0].reason : "";
  }
};

}  // namespace

TEST_CASE("a report is stored if it is newer, a duplicate if its texts are the same, and else not newer") {
  const auto hill = make_replica("Hill", {}, 1);
  const Now now = kStart;
  const AcceptOutcome first = accept(*hill, "kiwi", "1700000000.5", now);
  CHECK(first.result == Accepted::Stored);
  CHECK(first.difference == -500ms);
  CHECK(accept(*hill, "kiwi", "1700000000.5", now).result == Accepted::Duplicate);
  CHECK(accept(*hill, "kiwi", "1700000000.50", now).result == Accepted::NotNewer);  // another text for the same time
  CHECK(accept(*hill, "kiwi", "1700000000.5", now, "+1-3").result == Accepted::NotNewer);
  CHECK(accept(*hill, "kiwi", "1700000000.4", now).result == Accepted::NotNewer);
  CHECK(hill->store().feed().tail() == 1);
  CHECK(accept(*hill, "kiwi", "1700000000.500000001", now, "+1-3").result == Accepted::Stored);
  CHECK(hill->find("kiwi")->coordinates == "+1-3");
  CHECK(hill->find("kiwi")->origin == "Hill");
  CHECK_FALSE(hill->find("plum"));
}

TEST_CASE("a report is a duplicate also if another node accepted the record") {
  OneReplica one;
  one.batch({readable()});
  CHECK(accept(*one.hill, "kiwi", "5", one.now).result == Accepted::Duplicate);
  CHECK(one.hill->find("kiwi")->origin == "Campbell");
}

TEST_CASE("a newer report takes over the epoch of the record") {
  OneReplica one;
  Update reset = readable();
  reset.epoch = 3;
  one.batch({reset});
  CHECK(accept(*one.hill, "kiwi", "6", one.now).result == Accepted::Stored);
  CHECK(one.hill->find("kiwi")->epoch == 3);
}

TEST_CASE("a damaged message is counted and reported, and changes nothing") {
  OneReplica one;
  (void)one.hill->take_events();
  one.hill->receive_damaged();
  CHECK(one.hill->counters().messages_damaged == 1);
  const Events events = one.hill->take_events();
  REQUIRE(events.refused.size() == 1);
  CHECK(events.refused[0].reason.starts_with("a message was damaged on its way"));
}

TEST_CASE("all messages but HELLO are ignored before a peer's first HELLO") {
  OneReplica one(false);
  one.batch({readable()});
  for (const Message& message :
       std::vector<Message>{Welcome{{kPeerIncarnation, 1}, 1'000'001, 0, 1, 0, 0}, Ack{{kPeerIncarnation, 1}, 1, 0, 0},
                            Ping{}, Pong{}, Bye{kPeerIncarnation}}) {
    receive(*one.hill, "smith's", message, one.now);
  }
  CHECK(one.hill->counters().messages_refused == 6);
  CHECK(one.hill->store().size() == 0);
  CHECK(one.messages().empty());  // its HELLO was sent before
  CHECK(one.hill->peer_status(1, one.now).state == Connected::Down);
}

TEST_CASE("a name belongs to a key: a HELLO over a connection with the key of another node is refused") {
  OneReplica one(false);
  const auto receive_with = [&](std::string_view owner, const Message& message) {
    const std::string header = encode(message);
    one.hill->receive({"r", header, std::nullopt, nullptr, owner}, one.now);
  };
  receive_with("Jaquez", hello_of("Smith"));
  CHECK(one.refusal() ==
        "Smith: it uses the key of node 'Jaquez': give each node a key of its own, with `scripts/herd keygen`");
  receive_with("", hello_of("Smith"));
  CHECK(one.refusal() == "Smith: its key was removed or revoked");
  CHECK(one.hill->peer_status(1, one.now).state == Connected::Down);
  CHECK_FALSE(one.hill->peers().number_by("r"));
  receive_with("Smith", hello_of("Smith"));
  CHECK(one.refusal().empty());
  CHECK(one.hill->peers().number_by("r"));
}

TEST_CASE("a message over a connection of which the key belongs to another node by now is not used") {
  OneReplica one;
  const std::uint64_t refused = one.hill->counters().messages_refused;
  BodyEncoder encoder;
  REQUIRE(encoder.add(readable()));
  const std::string body = encoder.finish();
  const std::string header = encode(Batch{{kPeerIncarnation, one.hill->self().incarnation}, 1, 0, 1, 0, 0});
  for (const std::string_view owner : {"Jaquez", ""}) {
    one.hill->receive({"smith's", header, body, nullptr, owner}, one.now);
    CHECK_FALSE(one.hill->find("kiwi"));
  }
  CHECK(one.hill->counters().messages_refused == refused + 2);
  one.hill->receive({"smith's", header, body, nullptr, "Smith"}, one.now);
  CHECK(one.hill->find("kiwi"));
}

TEST_CASE("a HELLO of another herd, of no peer, or of another version is refused with an advice") {
  OneReplica one(false);
  Hello hello = hello_of("Smith");
  hello.herd = "flock";
  receive(*one.hill, "r", hello, one.now);
  CHECK(
      one.refusal() ==
      "Smith: it belongs to herd 'flock', this node to 'herd': check `name` in [herd] and the addresses of the nodes");
  receive(*one.hill, "r", hello_of("Stranger"), one.now);
  CHECK(one.refusal() ==
        "Stranger: it is no configured peer of this node: list each of the two nodes in the `peers` of the other");
  receive(*one.hill, "r", hello_of("Hill"), one.now);  // itself
  CHECK_FALSE(one.refusal().empty());
  hello = hello_of("Smith");
  hello.oldest_version = 3;
  hello.version = 4;
  receive(*one.hill, "r", hello, one.now);
  CHECK(one.refusal() ==
        "Smith: it speaks versions 3 to 4 of the bus protocol, this node 2: upgrade Hill to the release of Smith");
  hello.version = 3;
  receive(*one.hill, "r", hello, one.now);
  CHECK(one.refusal() ==
        "Smith: it speaks version 3 of the bus protocol, this node 2: upgrade Hill to the release of Smith");
  hello.oldest_version = hello.version = 1;
  receive(*one.hill, "r", hello, one.now);
  CHECK(one.refusal() == "Smith: it speaks version 1 of the bus protocol, this node 2: upgrade Smith to this release");
  for (std::uint64_t Hello::*field : {&Hello::incarnation, &Hello::feed_id}) {
    hello = hello_of("Smith");
    hello.*field = 0;
    receive(*one.hill, "r", hello, one.now);
    CHECK(one.refusal() == "Smith: its HELLO has no incarnation or no feed id");
  }
  CHECK(one.messages().empty());
  CHECK(one.hill->counters().messages_refused == 8);
  hello = hello_of("Smith");
  hello.oldest_version = 1;  // it still supports our version
  hello.version = 9;
  receive(*one.hill, "r", hello, one.now);
  CHECK(one.refusal().empty());
  CHECK_FALSE(one.messages().empty());
}

TEST_CASE("the newest HELLO of a name replaces its former route") {
  OneReplica one;
  receive(*one.hill, "another", hello_of("Smith"), one.now);
  (void)one.messages();
  receive(*one.hill, "smith's", Ping{7, {}}, one.now);
  CHECK(one.messages().empty());
  CHECK(one.hill->counters().messages_refused == 1);
  receive(*one.hill, "another", Ping{7, {}}, one.now);
  CHECK(one.messages().size() == 1);
}

TEST_CASE("a connection that sends HELLO with two names belongs to the newer name, and locks no name out") {
  OneReplica one;
  receive(*one.hill, "smith's", hello_of("Jaquez", 300), one.now);
  (void)one.messages();
  receive(*one.hill, "smith's", Ping{7, {}}, one.now);
  CHECK(one.messages(1).empty());
  CHECK_FALSE(one.messages(0).empty());
  receive(*one.hill, "jaquez's", hello_of("Jaquez", 301), one.now);  // the real one
  receive(*one.hill, "smith's", hello_of("Smith"), one.now);         // sends the right HELLO
  (void)one.messages(0);
  (void)one.messages(1);
  receive(*one.hill, "smith's", Ping{8, {}}, one.now);
  CHECK(one.messages(1).size() == 1);
  receive(*one.hill, "jaquez's", Ping{9, {}}, one.now);
  CHECK(one.messages(0).size() == 1);
}

TEST_CASE("unreadable messages and unknown types are counted, and nothing else") {
  OneReplica one;
  one.hill->receive({"smith's", "\xc1", std::nullopt}, one.now);
  CHECK(one.hill->counters().messages_refused == 1);
  CHECK(one.refusal().find(": a message cannot be read: ") == 0);
  one.hill->receive({"smith's", "\x91\x0c", std::nullopt}, one.now);
  one.hill->receive({"stranger", "\x91\x7f", std::nullopt}, one.now);
  CHECK(one.hill->counters().messages_unknown == 2);
  CHECK(one.messages().empty());
}

TEST_CASE("an update out of bounds is skipped, and the link goes on") {
  std::vector<Update> poison(9, readable());
  poison[0].client = "";
  poison[1].client = "two words";
  poison[2].client = "tab\t";
  poison[3].coordinates = "+91-2";
  poison[4].coordinates = "";
  poison[5].time_text = "5e3";
  poison[6].time_text = "9223372036";
  poison[7].id.number = 0;
  const std::string too_long(kMaxClientBytes + 1, 'x');
  poison[8].client = too_long;
  for (const Update& wrong : poison) {
    OneReplica one;
    Update good = readable(2);
    good.client = "plum";
    one.batch({wrong, good}, 2);
    CHECK(one.hill->counters().updates_unreadable == 1);
    CHECK(one.hill->counters().updates_merged == 1);
    CHECK(one.refusal() == "Smith: an update is out of bounds and was skipped");
    CHECK(one.hill->find("plum"));
    CHECK_FALSE(one.hill->find("kiwi"));
    CHECK(one.acknowledges(2));
  }
}

TEST_CASE("an update that was skipped does not count as seen") {
  OneReplica one;
  Update wrong = readable(1);
  wrong.coordinates = "?";
  one.batch({wrong});
  one.batch({readable(1)});
  CHECK(one.hill->find("kiwi"));
}

TEST_CASE("a batch without a readable body is acknowledged, or it would be sent again without end") {
  for (const std::optional<std::string>& body :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("\x91"),
        std::optional<std::string>("GET / HTTP/1.1\r\n\r\n")}) {
    OneReplica one;
    one.batch_of(body, 5);
    CHECK(one.hill->counters().updates_unreadable == 1);
    CHECK(one.refusal().find("Smith: the updates of a batch cannot be read: ") == 0);
    CHECK(one.acknowledges(5));
  }
}

TEST_CASE("the readable updates of a batch are used if another one has a wrong structure") {
  OneReplica one;
  // [[["Campbell", 9]], [nil, [0, 1, 0, "kiwi", "+1-2", "5", 0]]]
  one.batch_of(
      "\x92\x91\x92\xa8"
      "Campbell\x09\x92\xc0\x97" +
          std::string("\0\1\0", 3) + "\xa4kiwi\xa4+1-2\xa1" + "5" + std::string(1, '\0'),
      3);
  CHECK(one.hill->counters().updates_unreadable == 1);
  CHECK(one.hill->find("kiwi"));
  CHECK(one.acknowledges(3));
}

TEST_CASE("an update received twice is dropped and counted before its texts are parsed") {
  OneReplica one;
  one.batch({readable()});
  CHECK(one.hill->counters().updates_merged == 1);
  Update again = readable();
  again.coordinates = "?";
  one.batch({again}, 2);
  CHECK(one.hill->counters().updates_repeated == 1);
  CHECK(one.hill->counters().updates_unreadable == 0);
}

TEST_CASE("an update that changes nothing is counted as older and not sent on") {
  OneReplica one;
  one.batch({readable(1)});
  const ChangeNumber tail = one.hill->store().feed().tail();
  one.batch({readable(2)}, 2);
  CHECK(one.hill->counters().updates_older == 1);
  CHECK(one.hill->store().feed().tail() == tail);
}

TEST_CASE("a node's own update that comes back is a repeat") {
  OneReplica one;
  REQUIRE(accept(*one.hill, "plum", "5", one.now).result == Accepted::Stored);
  Update own = readable(1);
  own.id = {"Hill", 1, 1};
  one.batch({own});
  CHECK(one.hill->counters().updates_repeated == 1);
}

TEST_CASE("an update that a node accepted in an earlier run and lost is merged when a peer sends it") {
  OneReplica one;
  RecoveredState recovered = empty_state(1'000'001, 1);
  recovered.run.base = 10;
  recovered.store.skip_to(10);
  Replica::Options options;
  options.self = {"herd", "Hill", 1, 1'000'001};
  options.peers = {"Jaquez", "Smith"};
  one.hill = std::make_unique<Replica>(std::move(options), std::move(recovered));
  receive(*one.hill, "smith's", hello_of("Smith"), one.now);
  REQUIRE(accept(*one.hill, "plum", "5", one.now).number == 11);
  Update lost = readable(7);
  lost.id = {"Hill", 99, 7};
  one.batch({lost});
  CHECK(one.hill->counters().updates_merged == 1);
  CHECK(one.hill->find("kiwi"));
  lost.coordinates = "?";
  one.batch({lost}, 2);
  CHECK(one.hill->counters().updates_repeated == 1);
}

TEST_CASE("the bound max_future does not apply to updates from peers") {
  OneReplica one;
  Update future = readable();
  future.time_text = "9223372035.999999999";
  future.difference = Nanoseconds::min();
  one.batch({future});
  CHECK(one.hill->find("kiwi")->difference == Nanoseconds::min());
}

TEST_CASE("extreme numbers in hostile messages neither crash the node nor stop further updates") {
  OneReplica one;
  for (const ChangeNumber from : {ChangeNumber{0}, UINT64_MAX - 1, UINT64_MAX}) {
    for (const std::uint64_t attempt : {std::uint64_t{0}, UINT64_MAX}) {
      receive(*one.hill, "smith's", Batch{{kPeerIncarnation, 1}, attempt, from, UINT64_MAX, 0, 0}, one.now);
      receive(*one.hill, "smith's", Welcome{{kPeerIncarnation, 1}, 1'000'001, from, attempt, 1, 0}, one.now);
      receive(*one.hill, "smith's", Ack{{kPeerIncarnation, 1}, attempt, from, from}, one.now);
      (void)one.messages();
    }
  }
  Update last = readable(UINT64_MAX);
  last.id.run = UINT64_MAX;
  last.epoch = UINT32_MAX;
  one.batch({last});
  CHECK(one.hill->find("kiwi")->epoch == UINT32_MAX);
  CHECK(accept(*one.hill, "kiwi", "6", one.now).result == Accepted::Stored);
}

TEST_CASE("at most 64 refusals are held between two calls of take_events(), and all are counted") {
  OneReplica one;
  for (int i = 0; i < 100; ++i) one.hill->receive({"smith's", "\xc1", std::nullopt}, one.now);
  CHECK(one.hill->take_events().refused.size() == 64);
  CHECK(one.hill->take_events().refused.empty());
  CHECK(one.hill->counters().messages_refused == 100);
}

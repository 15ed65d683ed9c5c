// Comparing stores: two replicas with default times, and faults planted on the wire that no cursor notices.
#include "bus/link/reconciler.hpp"

#include <string>
#include <vector>

#include "protocol/sums.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr Nanoseconds kOneRound = 61s;  // by then each side has begun one more

// The updates of the batches that pass are gone, and their receiver acknowledges them all the same.
void hollow(const Message& said, Outgoing& message) {
  if (std::holds_alternative<Batch>(said)) message.body = std::make_shared<const std::string>("\x92\x90\x90");
}

// The first update says another thing, under the same identity.
template <typename Change>
auto altered(Change change) {
  return [change](const Message& said, Outgoing& message) {
    if (!std::holds_alternative<Batch>(said)) return;
    Body body;
    REQUIRE(decode_body(*message.body, body));
    BodyEncoder encoder;
    for (Body::Entry& entry : body.updates) {
      change(entry.update);
      REQUIRE(encoder.add(entry.update));
    }
    message.body = std::make_shared<const std::string>(encoder.finish());
  };
}

// Two replicas that have greeted each other and compared for the first time.
struct TwoCompared : TwoReplicas {
  TwoCompared() {
    REQUIRE(advance(5s));
    REQUIRE(hill->counters().digest_rounds == 1);
    REQUIRE(smith->counters().digest_rounds == 1);
  }
  // Smith acknowledges what it never saw.
  void lose(const std::string& client, std::string_view time_text = "5") {
    REQUIRE(accept(*hill, client, time_text, now).result == Accepted::Stored);
    tamper = hollow;
    REQUIRE(deliver());
    tamper = [](const auto&, auto&) {};
    REQUIRE_FALSE(equal());
  }
  // Until Smith has begun so many rounds more, and they are over.
  void rounds(std::uint64_t count) {
    const std::uint64_t until = smith->counters().digest_rounds + count;
    const Nanoseconds end = now.steady + static_cast<std::int64_t>(count) * kOneRound;
    while (smith->counters().digest_rounds < until && now.steady < end) REQUIRE(advance(50ms));
    REQUIRE(smith->counters().digest_rounds == until);
  }
};

// Names of clients that share a bucket.
std::vector<std::string> neighbours(std::size_t count) {
  std::vector<std::string> names;
  for (int i = 0; names.size() < count; ++i) {
    std::string name = "client" + std::to_string(i);
    if (bucket_of(name) == bucket_of("kiwi")) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

TEST_CASE("nodes that meet compare their stores at once, and then once or twice a minute") {
  TwoCompared two;
  REQUIRE(two.advance(10min));
  CHECK(two.hill->counters().digest_rounds >= 11);
  CHECK(two.hill->counters().digest_rounds <= 21);
  CHECK(two.hill->counters().buckets_pulled == 0);
}

TEST_CASE("a node that returns with an empty memory is compared with once it holds what there was") {
  TwoCompared two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(1s));
  two.smith = make_replica("Smith", {"Hill"}, 3);
  REQUIRE(two.advance(3s));
  CHECK(two.equal());
  CHECK(two.hill->counters().digest_rounds == 2);
  CHECK(two.smith->counters().digest_rounds == 1);
}

TEST_CASE("equal stores are found to be equal by one number: no sums travel") {
  TwoCompared two;
  std::size_t frames = 0;
  two.tamper = [&](const Message& said, const Outgoing& message) {
    if (std::holds_alternative<Digest>(said) && message.body) ++frames;
  };
  for (int i = 0; i < 300; ++i) REQUIRE(accept(*two.hill, std::to_string(i), "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(kOneRound));
  CHECK(frames == 0);
}

TEST_CASE("each round begins with HELLO") {
  TwoCompared two;
  std::vector<std::size_t> said_by_smith;
  std::size_t asked = 0;
  two.arrives = [&](const Message& message) {
    if (const auto* digest = std::get_if<Digest>(&message); digest != nullptr && !digest->answer) {
      ++asked;
      REQUIRE_FALSE(said_by_smith.empty());
      CHECK(said_by_smith.back() == Message{Hello{}}.index());
    }
    said_by_smith.push_back(message.index());
    return true;
  };
  REQUIRE(two.advance(kOneRound));
  CHECK(asked == 2);
}

TEST_CASE("a record that was acknowledged and never arrived is fetched, and counted as healed") {
  TwoCompared two;
  two.lose("kiwi");
  CHECK(two.hill->peer_status(0, two.now).lag == 0);
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(two.smith->find("kiwi"));
  CHECK(two.smith->counters().divergences_healed == 1);
  CHECK(two.hill->counters().divergences_healed == 0);
  const Events events = two.smith->take_events();
  REQUIRE(events.repaired.size() == 1);
  CHECK(events.repaired[0].peer == "Hill");
  CHECK(events.repaired[0].records == 1);
}

TEST_CASE("a record that was changed on its way is made one again, whichever text is greater") {
  const std::string_view coordinates = GENERATE("+0-2", "+2-2");
  TwoCompared two;
  two.tamper = altered([&](Update& update) { update.coordinates = coordinates; });
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now, "+1-2").result == Accepted::Stored);
  REQUIRE(two.deliver());
  REQUIRE_FALSE(two.equal());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(two.hill->find("kiwi")->coordinates == std::max<std::string_view>(coordinates, "+1-2"));
  CHECK(two.hill->counters().divergences_healed + two.smith->counters().divergences_healed == 1);
}

TEST_CASE("what an answer brings is merged though its identity was seen") {
  TwoCompared two;
  two.tamper = altered([](Update& update) { update.client = "wrong"; });
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 10s));
  CHECK(two.smith->find("kiwi"));
  CHECK(two.hill->find("wrong"));
  CHECK(two.equal());
}

TEST_CASE("a bucket is pulled when it differs twice and stays as it is, not before") {
  TwoCompared two;
  two.lose("kiwi");
  two.rounds(1);
  CHECK(two.smith->counters().buckets_pulled == 0);
  REQUIRE(two.advance(2s));
  CHECK(two.smith->counters().buckets_pulled == 0);
  REQUIRE(two.advance(1s));
  CHECK(two.smith->counters().buckets_pulled == 1);
  CHECK(two.equal());
}

TEST_CASE("a bucket whose records change all the time is pulled when it has differed three rounds running") {
  TwoCompared two;
  const std::string neighbour = neighbours(1)[0];
  two.lose("kiwi");
  int time = 100;
  const std::uint64_t before = two.smith->counters().digest_rounds;
  const auto turn = [&] {
    REQUIRE(accept(*two.hill, neighbour, std::to_string(++time), two.now).result == Accepted::Stored);
    REQUIRE(two.advance(500ms));
  };
  for (int i = 0; i < 140 && two.smith->counters().digest_rounds < before + 2; ++i) turn();
  CHECK(two.smith->counters().buckets_pulled == 0);
  for (int i = 0; i < 8; ++i) turn();
  CHECK(two.smith->counters().buckets_pulled == 1);
  CHECK(two.equal());
}

TEST_CASE("what is in flight is no difference, however long it is under way") {
  TwoCompared two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  two.arrives = [](const Message& message) { return !std::holds_alternative<Batch>(message); };
  REQUIRE(two.advance(5min));
  CHECK(two.smith->counters().digest_rounds >= 5);
  CHECK(two.hill->counters().digest_rounds >= 5);
  CHECK(two.smith->counters().buckets_pulled == 0);
  CHECK(two.hill->counters().buckets_pulled == 0);
  CHECK_FALSE(two.smith->find("kiwi"));
}

TEST_CASE("an answer holds what was acknowledged: what is in flight comes by itself, and is no divergence") {
  TwoCompared two;
  two.lose("kiwi");
  const std::string neighbour = neighbours(1)[0];
  bool pulled = false;
  two.arrives = [&](const Message& message) {
    const auto* pull = std::get_if<Pull>(&message);
    if (pull != nullptr && pull->incarnations.receiver == 1 && !std::exchange(pulled, true)) {
      REQUIRE(accept(*two.hill, neighbour, "5", two.now).result == Accepted::Stored);
    }
    return true;
  };
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(pulled);
  CHECK(two.equal());
  CHECK(two.smith->counters().divergences_healed == 1);
}

TEST_CASE("a node that is sent a PULL looks for what it lacks itself") {
  TwoCompared two;
  two.lose("kiwi");
  REQUIRE(accept(*two.smith, "plum", "5", two.now).result == Accepted::Stored);
  two.tamper = hollow;
  REQUIRE(two.advance(1s));
  two.tamper = [](const auto&, auto&) {};
  const auto repaired = [](const Replica& replica) { return replica.counters().divergences_healed; };
  const Nanoseconds end = two.now.steady + kOneRound + 4s;
  while (repaired(*two.smith) + repaired(*two.hill) == 0 && two.now.steady < end) REQUIRE(two.advance(50ms));
  REQUIRE(two.advance(6s));
  CHECK(two.equal());
  CHECK(repaired(*two.smith) == 1);
  CHECK(repaired(*two.hill) == 1);
}

TEST_CASE("a divergence that does not heal is not asked about again and again") {
  TwoCompared two;
  two.lose("kiwi");
  two.tamper = [](const Message& said, Outgoing& message) {
    if (std::holds_alternative<Answer>(said)) message.body = std::make_shared<const std::string>("\x92\x90\x90");
  };
  REQUIRE(two.advance(10min));
  CHECK_FALSE(two.equal());
  CHECK(two.smith->counters().digest_rounds <= 4 * 21);
  CHECK(two.hill->counters().digest_rounds <= 4 * 21);
}

TEST_CASE("a bucket that no answer can hold is told by several") {
  TwoCompared two;
  const std::vector<std::string> clients = neighbours(kMaxBatchUpdates * 2 + 1);
  for (const std::string& client : clients) REQUIRE(accept(*two.hill, client, "5", two.now).result == Accepted::Stored);
  two.tamper = hollow;
  REQUIRE(two.deliver());
  std::size_t answers = 0;
  two.tamper = [&](const Message& said, const Outgoing& message) {
    const auto* answer = std::get_if<Answer>(&said);
    if (answer == nullptr || answer->incarnations.sender != 1) return;
    ++answers;
    CHECK(message.body->size() <= kMaxBatchBytes);
  };
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(answers == 3);
  CHECK(two.smith->counters().divergences_healed == clients.size());
}

TEST_CASE("any number of buckets is pulled, one message at a time, also where long texts fill them") {
  TwoCompared two;
  const std::string pad(GENERATE(0, 240), 'x');
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE(accept(*two.hill, std::to_string(i) + pad, "5", two.now).result == Accepted::Stored);
  }
  two.tamper = hollow;
  REQUIRE(two.deliver());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(two.smith->counters().divergences_healed == 5'000);
}

TEST_CASE("whatever is lost of a round, a later one heals") {
  const std::size_t kind = GENERATE(Message{Digest{}}.index(), Message{Pull{}}.index(), Message{Answer{}}.index());
  TwoCompared two;
  two.lose("kiwi");
  two.arrives = [&](const Message& message) { return message.index() != kind; };
  REQUIRE(two.advance(3min));
  CHECK_FALSE(two.equal());
  two.arrives = [](const Message&) { return true; };
  REQUIRE(two.advance(kOneRound + 10s));
  CHECK(two.equal());
}

TEST_CASE("sums that cannot be read are refused, and the round decides nothing") {
  TwoCompared two;
  two.lose("kiwi");
  two.tamper = [](const Message& said, Outgoing& message) {
    if (std::holds_alternative<Digest>(said) && message.body) message.body = std::make_shared<const std::string>("x");
  };
  REQUIRE(two.advance(3min));
  CHECK(two.smith->counters().messages_refused >= 1);
  CHECK(two.smith->counters().buckets_pulled == 0);
}

TEST_CASE("what is meant for another life is not answered, nor used") {
  TwoCompared two;
  const auto said_kinds = [&](const Message& message) {
    receive(*two.hill, "from Smith", message, two.now);
    std::vector<std::size_t> kinds;
    while (const auto said = two.hill->take(0, two.now)) kinds.push_back(decode(said->header)->index());
    return kinds;
  };
  CHECK(said_kinds(Digest{{2, 99}, 1, false, 7, 0}).empty());
  CHECK(said_kinds(Digest{{99, 1}, 1, false, 7, 0}).empty());
  CHECK(said_kinds(Pull{{2, 99}, 1, 0, {1}}).empty());
  CHECK(said_kinds(Digest{{2, 1}, 1, false, 7, 0}) == std::vector{Message{Digest{}}.index()});
  CHECK(said_kinds(Pull{{2, 1}, 1, 0, {1}}) == std::vector{Message{Answer{}}.index()});
  BodyEncoder encoder;
  REQUIRE(encoder.add({{"Smith", 9, 1}, 0, "plum", "+1-2", "5", 5s, 1ns}));
  const Outgoing answer{encode(Answer{{99, 1}, 1, 1, 0}), std::make_shared<const std::string>(encoder.finish())};
  receive(*two.hill, "from Smith", answer, two.now);
  CHECK_FALSE(two.hill->find("plum"));
}

TEST_CASE("a PULL that goes on at a place that is none begins at its bucket's start") {
  TwoCompared two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(1s));
  for (const std::uint64_t place : {std::uint64_t{2}, std::uint64_t{1} << 40U, UINT64_MAX}) {
    receive(*two.hill, "from Smith", Pull{{2, 1}, 1, place, {bucket_of("kiwi")}}, two.now);
    const auto said = two.hill->take(0, two.now);
    REQUIRE(said);
    Body body;
    REQUIRE(decode_body(*said->body, body));
    CHECK(body.updates.size() == 1);
    CHECK(std::get<Answer>(*decode(said->header)).done == 1);
  }
}

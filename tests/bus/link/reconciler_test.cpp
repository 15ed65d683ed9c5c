// Reconciliation: two replicas with the default times, and faults on the wire that no cursor notices.
#include "bus/link/reconciler.hpp"

#include <string>
#include <vector>

#include "protocol/sums.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr Nanoseconds kOneRound = 61s;  // after this time each side has begun at least one more round

// Removes the updates from each batch on its way. The receiver acknowledges the batch all the same.
void remove_updates(const Message& message, Outgoing& encoded) {
  if (std::holds_alternative<Batch>(message)) encoded.body = std::make_shared<const std::string>("\x92\x90\x90");
}

// Changes the updates of each batch on its way; they have the same identities as before.
template <typename Change>
auto change_updates(Change change) {
  return [change](const Message& message, Outgoing& encoded) {
    if (!std::holds_alternative<Batch>(message)) return;
    Body body;
    REQUIRE(decode_body(*encoded.body, body));
    BodyEncoder encoder;
    for (Body::Entry& entry : body.updates) {
      change(entry.update);
      REQUIRE(encoder.add(entry.update));
    }
    encoded.body = std::make_shared<const std::string>(encoder.finish());
  };
}

// Two replicas after the handshake and the first round of each.
struct TwoCompared : TwoReplicas {
  TwoCompared() {
    REQUIRE(advance(5s));
    REQUIRE(hill->counters().digest_rounds == 1);
    REQUIRE(smith->counters().digest_rounds == 1);
  }
  // Hill accepts a report, and Smith acknowledges it without having received it.
  void lose(const std::string& client, std::string_view time_text = "5") {
    REQUIRE(accept(*hill, client, time_text, now).result == Accepted::Stored);
    tamper = remove_updates;
    REQUIRE(deliver());
    tamper = [](const auto&, auto&) {};
    REQUIRE_FALSE(equal());
  }
  // Time passes until Smith has begun this number of further rounds.
  void run_rounds(std::uint64_t count) {
    const std::uint64_t until = smith->counters().digest_rounds + count;
    const Nanoseconds end = now.steady + static_cast<std::int64_t>(count) * kOneRound;
    while (smith->counters().digest_rounds < until && now.steady < end) REQUIRE(advance(50ms));
    REQUIRE(smith->counters().digest_rounds == until);
  }
};

// Clients in the bucket of the client kiwi.
std::vector<std::string> clients_of_kiwis_bucket(std::size_t count) {
  std::vector<std::string> names;
  for (int i = 0; names.size() < count; ++i) {
    std::string name = "client" + std::to_string(i);
    if (bucket_of(name) == bucket_of("kiwi")) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

TEST_CASE("two nodes reconcile as soon as they have synchronised, and then once or twice per minute") {
  TwoCompared two;
  REQUIRE(two.advance(10min));
  CHECK(two.hill->counters().digest_rounds >= 11);
  CHECK(two.hill->counters().digest_rounds <= 21);
  CHECK(two.hill->counters().buckets_pulled == 0);
}

TEST_CASE("a node that returns with an empty store is reconciled with once it has synchronised") {
  TwoCompared two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(1s));
  two.smith = make_replica("Smith", {"Hill"}, 3);
  REQUIRE(two.advance(3s));
  CHECK(two.equal());
  CHECK(two.hill->counters().digest_rounds == 2);
  CHECK(two.smith->counters().digest_rounds == 1);
}

TEST_CASE("between equal stores only digests are sent, no sums") {
  TwoCompared two;
  std::size_t frames = 0;
  two.tamper = [&](const Message& message, const Outgoing& encoded) {
    if (std::holds_alternative<Digest>(message) && encoded.body) ++frames;
  };
  for (int i = 0; i < 300; ++i) REQUIRE(accept(*two.hill, std::to_string(i), "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(kOneRound));
  CHECK(frames == 0);
}

TEST_CASE("each round begins with HELLO") {
  TwoCompared two;
  std::vector<std::size_t> sent_by_smith;
  std::size_t asked = 0;
  two.arrives = [&](const Message& message) {
    if (const auto* digest = std::get_if<Digest>(&message); digest != nullptr && !digest->answer) {
      ++asked;
      REQUIRE_FALSE(sent_by_smith.empty());
      CHECK(sent_by_smith.back() == Message{Hello{}}.index());
    }
    sent_by_smith.push_back(message.index());
    return true;
  };
  REQUIRE(two.advance(kOneRound));
  CHECK(asked == 2);
}

TEST_CASE("a record that was acknowledged but never arrived is fetched, and counted as repaired") {
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

TEST_CASE("a record that was changed on its way becomes equal on both nodes again, whichever text is greater") {
  const std::string_view coordinates = GENERATE("+0-2", "+2-2");
  TwoCompared two;
  two.tamper = change_updates([&](Update& update) { update.coordinates = coordinates; });
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now, "+1-2").result == Accepted::Stored);
  REQUIRE(two.deliver());
  REQUIRE_FALSE(two.equal());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(two.hill->find("kiwi")->coordinates == std::max<std::string_view>(coordinates, "+1-2"));
  CHECK(two.hill->counters().divergences_healed + two.smith->counters().divergences_healed == 1);
}

TEST_CASE("the updates of an ANSWER are merged even if the seen-set contains their identities") {
  TwoCompared two;
  two.tamper = change_updates([](Update& update) { update.client = "wrong"; });
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 10s));
  CHECK(two.smith->find("kiwi"));
  CHECK(two.hill->find("wrong"));
  CHECK(two.equal());
}

TEST_CASE("a bucket is pulled when it differs twice with the same sums, and not before") {
  TwoCompared two;
  two.lose("kiwi");
  two.run_rounds(1);
  CHECK(two.smith->counters().buckets_pulled == 0);
  REQUIRE(two.advance(2s));
  CHECK(two.smith->counters().buckets_pulled == 0);
  REQUIRE(two.advance(1s));
  CHECK(two.smith->counters().buckets_pulled == 1);
  CHECK(two.equal());
}

TEST_CASE("a bucket with records that change all the time is pulled when it has differed in three rounds") {
  TwoCompared two;
  const std::string neighbour = clients_of_kiwis_bucket(1)[0];
  two.lose("kiwi");
  int time = 100;
  const std::uint64_t before = two.smith->counters().digest_rounds;
  const auto step = [&] {
    REQUIRE(accept(*two.hill, neighbour, std::to_string(++time), two.now).result == Accepted::Stored);
    REQUIRE(two.advance(500ms));
  };
  for (int i = 0; i < 140 && two.smith->counters().digest_rounds < before + 2; ++i) step();
  CHECK(two.smith->counters().buckets_pulled == 0);
  for (int i = 0; i < 8; ++i) step();
  CHECK(two.smith->counters().buckets_pulled == 1);
  CHECK(two.equal());
}

TEST_CASE("an update in flight is no difference, however long it is in flight") {
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

TEST_CASE("an ANSWER contains only acknowledged records: those in flight come by batches, and are no divergence") {
  TwoCompared two;
  two.lose("kiwi");
  const std::string neighbour = clients_of_kiwis_bucket(1)[0];
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

TEST_CASE("a node that receives a PULL soon begins a round of its own") {
  TwoCompared two;
  two.lose("kiwi");
  REQUIRE(accept(*two.smith, "plum", "5", two.now).result == Accepted::Stored);
  two.tamper = remove_updates;
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

TEST_CASE("a divergence that cannot be repaired causes a bounded number of rounds") {
  TwoCompared two;
  two.lose("kiwi");
  two.tamper = [](const Message& message, Outgoing& encoded) {
    if (std::holds_alternative<Answer>(message)) encoded.body = std::make_shared<const std::string>("\x92\x90\x90");
  };
  REQUIRE(two.advance(10min));
  CHECK_FALSE(two.equal());
  CHECK(two.smith->counters().digest_rounds <= std::uint64_t{4} * 21);
  CHECK(two.hill->counters().digest_rounds <= std::uint64_t{4} * 21);
}

TEST_CASE("a bucket that is too large for one ANSWER is sent in several", "[slow]") {
  TwoCompared two;
  const std::vector<std::string> clients = clients_of_kiwis_bucket(kMaxBatchUpdates * 2 + 1);
  for (const std::string& client : clients) REQUIRE(accept(*two.hill, client, "5", two.now).result == Accepted::Stored);
  two.tamper = remove_updates;
  REQUIRE(two.deliver());
  std::size_t answers = 0;
  two.tamper = [&](const Message& message, const Outgoing& encoded) {
    const auto* answer = std::get_if<Answer>(&message);
    if (answer == nullptr || answer->incarnations.sender != 1) return;
    ++answers;
    CHECK(encoded.body->size() <= kMaxBatchBytes);
  };
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(answers == 3);
  CHECK(two.smith->counters().divergences_healed == clients.size());
}

TEST_CASE("any number of buckets is pulled, one message at a time, also if long texts fill the bodies") {
  TwoCompared two;
  const std::string pad(GENERATE(0, 240), 'x');
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE(accept(*two.hill, std::to_string(i) + pad, "5", two.now).result == Accepted::Stored);
  }
  two.tamper = remove_updates;
  REQUIRE(two.deliver());
  two.tamper = [](const auto&, auto&) {};
  REQUIRE(two.advance(kOneRound + 4s));
  CHECK(two.equal());
  CHECK(two.smith->counters().divergences_healed == 5'000);
}

TEST_CASE("if any message of a round is lost, a later round repairs the divergence") {
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
  two.tamper = [](const Message& message, Outgoing& encoded) {
    if (std::holds_alternative<Digest>(message) && encoded.body)
      encoded.body = std::make_shared<const std::string>("x");
  };
  REQUIRE(two.advance(3min));
  CHECK(two.smith->counters().messages_refused >= 1);
  CHECK(two.smith->counters().buckets_pulled == 0);
}

TEST_CASE("a DIGEST, PULL or ANSWER of or for another incarnation is neither answered nor used") {
  TwoCompared two;
  const auto kinds_of_answers = [&](const Message& message) {
    receive(*two.hill, "from Smith", message, two.now);
    std::vector<std::size_t> kinds;
    while (const auto sent = two.hill->take(0, two.now)) kinds.push_back(decode(sent->header)->index());
    return kinds;
  };
  CHECK(kinds_of_answers(Digest{{2, 99}, 1, false, 7, 0}).empty());
  CHECK(kinds_of_answers(Digest{{99, 1}, 1, false, 7, 0}).empty());
  CHECK(kinds_of_answers(Pull{{2, 99}, 1, 0, {1}}).empty());
  CHECK(kinds_of_answers(Digest{{2, 1}, 1, false, 7, 0}) == std::vector{Message{Digest{}}.index()});
  CHECK(kinds_of_answers(Pull{{2, 1}, 1, 0, {1}}) == std::vector{Message{Answer{}}.index()});
  BodyEncoder encoder;
  REQUIRE(encoder.add({{"Smith", 9, 1}, 0, "plum", "+1-2", "5", 5s, 1ns}));
  const Outgoing answer{encode(Answer{{99, 1}, 1, 1, 0}), std::make_shared<const std::string>(encoder.finish())};
  receive(*two.hill, "from Smith", answer, two.now);
  CHECK_FALSE(two.hill->find("plum"));
}

TEST_CASE("a PULL with a position that is not in its bucket starts at the bucket's beginning") {
  TwoCompared two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(1s));
  for (const std::uint64_t position : {std::uint64_t{2}, std::uint64_t{1} << 40U, UINT64_MAX}) {
    receive(*two.hill, "from Smith", Pull{{2, 1}, 1, position, {bucket_of("kiwi")}}, two.now);
    const auto sent = two.hill->take(0, two.now);
    REQUIRE(sent);
    Body body;
    REQUIRE(decode_body(*sent->body, body));
    CHECK(body.updates.size() == 1);
    CHECK(std::get<Answer>(*decode(sent->header)).done == 1);
  }
}

// Malicious peers that send well-formed messages. A node, Hill, has a journal and two peers; its replies wait for its
// journal and for one peer. It receives sequences of valid messages: batches with gaps, acknowledgements of changes
// that it has not sent, foreign incarnations and feeds, old and future attempts, names that change their connection,
// unrequested digests and answers. Each byte of the input is a choice.
//
// An impossible cursor makes Hill renew its feed. It then has another incarnation and another feed, and batches that it
// sent before do not count.
//
// Checked: Hill never acknowledges changes that it did not receive, and never acknowledges an update that is not
// durable. Its records never become older. Its cursors stay in order. It sends a bounded number of messages, and each
// can be read. The checks need the whole history of one world, so the file is longer than others.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bus/replica/replica.hpp"
#include "protocol/assert.hpp"
#include "protocol/sums.hpp"
#include "tests/fuzz/input.hpp"

using namespace herd::bus;
using namespace herd::protocol;
using herd::fuzz::Input;

namespace {

constexpr std::size_t kMaxMessagesPerIteration = 64;  // all batches in flight and all due messages are far fewer
constexpr std::array<const char*, 2> kPeers{"Smith", "Campbell"};
constexpr std::array<const char*, 3> kRoutes{"one", "two", "stranger"};
constexpr std::array<const char*, 6> kClients{"a", "b", "kiwi", "plum", "a b", ""};
constexpr std::array<const char*, 5> kCoordinates{"+1-2", "+1-20", "+90-180", "+91-2", "x"};
constexpr std::array<const char*, 5> kTimes{"5", "5.0", "6", "7.000000001", "x"};

// The messages of a peer and to it, as far as the checks need them.
struct Peer {
  std::uint64_t incarnation = 0;  // of its newest HELLO; 0: none yet
  std::uint64_t feed = 0;
  std::map<std::uint64_t, ChangeNumber>
      reached;                // by feed: how far batches for Hill's incarnation reached without a gap
  std::uint64_t attempt = 0;  // the newest that Hill has sent
  ChangeNumber sent = 0;      // the greatest `to` of Hill's batches
  std::uint64_t nonce = 0;
  std::uint64_t round = 0;  // the newest reconciliation round that Hill has begun
  std::uint64_t pull = 0;   // the newest PULL that Hill has sent
};

class World {
 public:
  explicit World(Input& input) : input_(input) {}

  void run() {
    while (!input_.empty()) {
      act();
      run_once();
    }
    Store copy(99);  // merging all records must give an equal store
    Feed::Reader reader = replica_.store().feed().read_after(0);
    UpdateTexts texts;
    while (const auto entry = reader.next()) (void)copy.merge(replica_.store().update_at(entry->index, texts), 0);
    HERD_ASSERT(copy.digest() == replica_.store().digest() && copy.size() == replica_.store().size());
    replica_.check_invariants();
  }

 private:
  void act() {
    switch (input_.below(12)) {
      case 0:
        return pass_time();
      case 1:
        return accept();
      case 2:
        return send_hello();
      case 3:
        return send_welcome();
      case 4:
      case 5:
        return send_batch();
      case 6:
        return send_ack();
      case 7:
        return send_small();
      case 8:
        return journal();
      case 9:
        return send_reconciliation();
      case 10:
        (void)replica_.reset(kClients.at(input_.below(4)), now_);
        return;
      default:
        is_writable_ = !is_writable_;
    }
  }

  void pass_time() {
    const std::size_t choice = input_.byte();
    const auto wait = std::chrono::milliseconds(choice < 200 ? choice * 4 : choice * 20);
    now_.steady += wait;
    now_.wall += wait;
  }

  void accept() {
    const std::size_t choice = input_.below(8);
    const auto seconds = std::chrono::seconds(input_.below(16));
    const std::string text = std::to_string(seconds.count());
    const AcceptOutcome outcome =
        replica_.accept({kClients.at(choice % 4), kCoordinates.at(choice / 4), text, seconds}, now_);
    HERD_ASSERT(outcome.number > 0 && outcome.number <= replica_.store().feed().tail());
    replica_.await(outcome.number);
  }

  // ---- messages from peers ----

  void receive(const Message& message, const std::optional<std::string>& body = std::nullopt) {
    Incoming incoming{route_, {}, std::nullopt};
    const std::string header = encode(message);
    incoming.header = header;
    if (body) incoming.body = *body;
    const std::uint64_t before = our_incarnation();
    replica_.receive(incoming, now_);
    if (our_incarnation() == before) return;
    HERD_ASSERT(replica_.counters().feeds_renewed > 0 && replica_.acknowledged() == 0);
    for (Peer& peer : peers_) peer.sent = 0;
  }
  [[nodiscard]] std::uint64_t our_incarnation() const { return replica_.self().incarnation; }
  // A run for a cursor, mostly the present one. It uses no byte of the input, so existing inputs keep their meaning.
  [[nodiscard]] std::uint64_t run_of(ChangeNumber cursor) const { return cursor % 8 == 5 ? 99 : our_incarnation(); }
  // Chooses the sender: sets route_; returns the peer that the route belongs to, or nullptr.
  Peer* choose_sender() {
    route_ = kRoutes.at(input_.below(kRoutes.size()));
    const auto owner = owners_.find(route_);
    return owner == owners_.end() ? nullptr : &peers_.at(owner->second);
  }
  // The present incarnations, or one of them wrong.
  Incarnations incarnations_of(const Peer* peer) {
    const std::size_t choice = input_.below(8);
    return {choice == 0 ? 99 : peer == nullptr ? 2 : peer->incarnation, choice == 1 ? 99 : our_incarnation()};
  }
  std::uint64_t attempt_of(const Peer* peer) {
    const std::size_t choice = input_.below(8);
    return (peer == nullptr ? 1 : peer->attempt) +
           (choice < 5 ? 0 : choice - 5);  // the present attempt, or a later one
  }
  // A number in Hill's feed, or above its tail.
  ChangeNumber cursor_of(const Peer* peer) {
    const ChangeNumber sent = peer == nullptr ? 0 : peer->sent;
    switch (input_.below(6)) {
      case 0:
        return 0;
      case 1:
        return sent + 1 + input_.byte();
      case 2:
        return replica_.store().feed().tail();
      case 3:
        return UINT64_MAX;
      default:
        return sent - std::min<ChangeNumber>(sent, input_.below(4));
    }
  }

  void send_hello() {
    route_ = kRoutes.at(input_.below(kRoutes.size()));
    const std::size_t index = input_.below(kPeers.size());
    Hello hello;
    hello.herd = input_.below(16) == 0 ? "other" : "herd";
    hello.node = kPeers.at(index);
    hello.incarnation = input_.below(4) + 1;
    hello.feed_id = input_.below(3) + 10;
    hello.attempt = input_.below(4);
    hello.clock = now_.wall;
    hello.answer = input_.below(2) == 0;
    hello.tail = input_.below(8);
    if (hello.herd == "herd") {
      Peer& peer = peers_.at(index);
      peer.incarnation = hello.incarnation;
      peer.feed = hello.feed_id;
      std::erase_if(owners_, [&](const auto& owner) { return owner.second == index; });
      owners_[route_] = index;
    }
    receive(hello);
  }

  void send_welcome() {
    const Peer* peer = choose_sender();
    const Incarnations incarnations = incarnations_of(peer);
    const std::uint64_t feed = input_.below(8) == 0 ? 99 : replica_.self().feed_id;
    const ChangeNumber cursor = cursor_of(peer);
    receive(Welcome{incarnations, feed, cursor, attempt_of(peer), run_of(cursor), cursor % 16 == 3 ? cursor + 1 : 0});
  }

  void send_batch() {
    Peer* peer = choose_sender();
    const Incarnations incarnations = incarnations_of(peer);
    ChangeNumber reached = peer == nullptr ? 0 : peer->reached[peer->feed];
    const std::size_t choice = input_.below(8);
    const ChangeNumber from = choice == 0 ? 0 : choice == 1 ? reached + 1 + input_.byte() : reached;
    const ChangeNumber to = from + input_.below(4);
    if (peer != nullptr && incarnations == Incarnations{peer->incarnation, our_incarnation()} && from <= reached) {
      peer->reached[peer->feed] = std::max(reached, to);
    }
    const std::uint64_t run = from % 4 == 3 ? 98 : 0;
    receive(Batch{incarnations, attempt_of(peer), from, to, run, to}, body());
  }

  std::optional<std::string> body() {
    const std::size_t updates = input_.below(5);
    if (updates == 4) return input_.below(2) == 0 ? std::nullopt : std::optional<std::string>("no body");
    BodyEncoder encoder;
    for (std::size_t i = 0; i < updates; ++i) {
      Update update;
      const std::size_t origin = input_.below(4);
      update.id = {origin < 2    ? kPeers.at(origin)
                   : origin == 2 ? "Hill"
                                 : "Far",
                   input_.below(3) + 10, input_.below(32)};
      update.epoch = static_cast<std::uint32_t>(input_.below(16) == 0);
      update.client = kClients.at(input_.below(kClients.size()));
      update.coordinates = kCoordinates.at(input_.below(kCoordinates.size()));
      update.time_text = kTimes.at(input_.below(kTimes.size()));
      update.difference = Nanoseconds(static_cast<std::int64_t>(input_.below(3)) - 1);
      HERD_ASSERT(encoder.add(update));
    }
    return encoder.finish();
  }

  void send_ack() {
    const Peer* peer = choose_sender();
    const Incarnations incarnations = incarnations_of(peer);
    const ChangeNumber merged = cursor_of(peer);
    const ChangeNumber durable = input_.below(4) == 0 ? cursor_of(peer) : merged;
    receive(Ack{incarnations, attempt_of(peer), merged, durable});
  }

  void send_small() {
    const Peer* peer = choose_sender();
    switch (input_.below(4)) {
      case 0:
        return receive(Ping{input_.byte(), now_.wall});
      case 1:
        return receive(Pong{(peer == nullptr ? 0 : peer->nonce) + (input_.below(4) == 0 ? 1 : 0),
                            now_.wall - std::chrono::seconds(input_.byte())});
      case 2:
        return receive(Bye{peer == nullptr ? 2 : peer->incarnation + (input_.below(4) == 0 ? 1 : 0)});
      default:
        (void)replica_.receive_damaged();
    }
  }

  // DIGEST, PULL or ANSWER, requested by Hill or not.
  void send_reconciliation() {
    const Peer* peer = choose_sender();
    const Incarnations incarnations = incarnations_of(peer);
    const std::uint64_t more = input_.below(8) == 0 ? 1 : 0;
    switch (input_.below(3)) {
      case 0: {
        const std::uint64_t digest = input_.below(2) == 0 ? replica_.store().digest() : input_.byte();
        const bool answer = input_.below(4) != 0;
        const std::uint64_t round = (peer == nullptr ? 0 : peer->round) + more;
        return receive(Digest{incarnations, round, answer, digest, cursor_of(peer)}, sums());
      }
      case 1: {
        Pull pull{incarnations, input_.byte(), input_.below(4) == 0 ? std::uint64_t{input_.byte()} : 0, {}};
        const std::size_t count = 1 + input_.below(4);
        for (std::size_t i = 0; i < count; ++i) pull.buckets.push_back(static_cast<std::uint32_t>(input_.byte() * 16));
        for (const char* client : {"a", "kiwi"}) pull.buckets.push_back(bucket_of(client));
        return receive(pull);
      }
      default: {
        const std::uint64_t number = (peer == nullptr ? 0 : peer->pull) + more;
        return receive(Answer{incarnations, number, input_.below(8), input_.below(4)}, body());
      }
    }
  }

  // Sums of a store that differs from Hill's in some buckets.
  std::optional<std::string> sums() {
    const std::size_t choice = input_.below(4);
    if (choice == 0) return std::nullopt;
    if (choice == 1) return "no sums";
    sums_->of = replica_.store().digests().sums();
    sums_->unsettled.reset();
    for (std::size_t i = 0; i < choice; ++i) {
      const std::size_t bucket = input_.byte() * std::size_t{16};
      sums_->of.at(bucket) += input_.below(2);
      sums_->unsettled.set(bucket, input_.below(4) == 0);
    }
    return encode_sums(*sums_);
  }

  // ---- the journal ----

  void journal() {
    if (!flush_) {
      if (!replica_.wants_flush()) return;
      flush_ = replica_.store().feed().tail();
      HERD_ASSERT(!replica_.begin_flush().empty());
    } else if (input_.below(4) == 0) {
      replica_.flush_failed();
      flush_.reset();
    } else {
      replica_.flush_written();
      durable_ = *flush_;
      flush_.reset();
    }
  }

  // ---- Hill ----

  void run_once() {
    replica_.tick(now_);
    for (PeerIndex index = 0; index < replica_.peers().end_number(); ++index) {
      std::size_t taken = 0;
      while (is_writable_) {
        const auto message = replica_.take(index, now_);
        if (!message) break;
        ++taken;
        HERD_ASSERT(taken < kMaxMessagesPerIteration);
        check(*message, peers_.at(index));
      }
      check(replica_.peer_status(index, now_), peers_.at(index));
      // Otherwise the loop would spin.
      HERD_ASSERT(!is_writable_ || replica_.send_deadline(index) > now_.steady);
    }
    HERD_ASSERT(replica_.tick_deadline(now_) > now_.steady);
    check_durable();
    check_records();
    (void)replica_.take_events();
  }

  void check(const Outgoing& outgoing, Peer& peer) const {
    const auto message = decode(outgoing.header);
    HERD_ASSERT(message);
    check_body(*message, outgoing.body.get());
    const ChangeNumber reached = peer.reached.contains(peer.feed) ? peer.reached.at(peer.feed) : 0;
    if (const auto* hello = std::get_if<Hello>(&*message)) {
      HERD_ASSERT(hello->attempt >= peer.attempt);
      peer.attempt = hello->attempt;
    } else if (const auto* welcome = std::get_if<Welcome>(&*message)) {
      HERD_ASSERT(welcome->incarnations == (Incarnations{our_incarnation(), peer.incarnation}) &&
                  welcome->feed_id == peer.feed);
      HERD_ASSERT(welcome->cursor <= reached);
    } else if (const auto* ack = std::get_if<Ack>(&*message)) {
      HERD_ASSERT(ack->incarnations == (Incarnations{our_incarnation(), peer.incarnation}) && ack->merged <= reached &&
                  ack->durable <= ack->merged);
    } else if (const auto* ping = std::get_if<Ping>(&*message)) {
      peer.nonce = ping->nonce;
    } else if (const auto* batch = std::get_if<Batch>(&*message)) {
      HERD_ASSERT(batch->incarnations == (Incarnations{our_incarnation(), peer.incarnation}));
      HERD_ASSERT(batch->from <= batch->to && batch->to <= replica_.store().feed().tail());
      peer.attempt = batch->attempt;
      peer.sent = std::max(peer.sent, batch->to);
    } else if (const auto* digest = std::get_if<Digest>(&*message)) {
      HERD_ASSERT(digest->incarnations == (Incarnations{our_incarnation(), peer.incarnation}) &&
                  digest->merged <= reached);
      if (!digest->answer) peer.round = digest->round;
    } else if (const auto* pull = std::get_if<Pull>(&*message)) {
      HERD_ASSERT(pull->incarnations == (Incarnations{our_incarnation(), peer.incarnation}) && !pull->buckets.empty());
      peer.pull = pull->number;
    }
  }

  void check_body(const Message& message, const std::string* text) const {
    if (std::holds_alternative<Digest>(message)) {
      const bool is_readable = text == nullptr || decode_sums(*text, *sums_).has_value();
      HERD_ASSERT(is_readable);
      return;
    }
    const bool wants_body = std::holds_alternative<Batch>(message) || std::holds_alternative<Answer>(message);
    HERD_ASSERT((text != nullptr) == wants_body);
    Body body;
    const bool is_readable = !wants_body || decode_body(*text, body).has_value();
    HERD_ASSERT(is_readable && body.unreadable == 0);
  }

  void check(const PeerStatus& status, const Peer& peer) const {
    HERD_ASSERT(status.cursors.durable <= status.cursors.merged && status.cursors.merged <= status.cursors.sent);
    HERD_ASSERT(status.cursors.sent <= replica_.store().feed().tail());
    HERD_ASSERT(peer.incarnation != 0 || status.state == Connected::Down);
  }

  // No reply may leave before its record is in Hill's journal, and was sent to a peer.
  void check_durable() const {
    HERD_ASSERT(replica_.acknowledged() <= durable_);
    HERD_ASSERT(replica_.acknowledged() <= std::max(peers_[0].sent, peers_[1].sent));
  }

  void check_records() {
    for (const char* client : {"a", "b", "kiwi", "plum"}) {
      const auto record = replica_.find(client);
      auto& newest = newest_[client];
      HERD_ASSERT(record || newest == (std::pair<std::uint32_t, Nanoseconds>{}));
      if (!record) continue;
      const std::pair known{record->epoch, record->time};
      HERD_ASSERT(known >= newest);
      newest = known;
    }
    HERD_ASSERT(!replica_.find("a b") && !replica_.find(""));
  }

  Input& input_;
  Replica replica_{{{"herd", "Hill", 1, 7},
                    {kPeers[0], kPeers[1]},
                    {.max_in_flight = 2, .max_batch = 2, .prompt_durable = true},
                    1,
                    {.journal = true, .replicas = 1},
                    {},
                    {},
                    0,
                    {},
                    [next = std::uint64_t{100}]() mutable { return ++next; }}};
  Now now_{std::chrono::seconds(100), std::chrono::seconds(1'700'000'000)};
  std::array<Peer, kPeers.size()> peers_{};
  std::map<std::string, std::size_t> owners_;  // of routes
  std::string route_;
  std::unique_ptr<Sums> sums_ = std::make_unique<Sums>();  // reused, because it is large
  bool is_writable_ = true;
  std::optional<ChangeNumber> flush_;  // in progress; the tail of the feed at its begin
  ChangeNumber durable_ = 0;           // the tail of the last written flush
  std::map<std::string, std::pair<std::uint32_t, Nanoseconds>> newest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  World(input).run();
  return 0;
}

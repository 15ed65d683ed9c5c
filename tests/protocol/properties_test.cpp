// Properties that hold for every input: checked with many random inputs against simple models, with the same seeds in
// every run.
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/body.hpp"
#include "protocol/command.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/reply.hpp"
#include "protocol/time_text.hpp"
#include "tests/catch.hpp"
#include "tests/plain_texts.hpp"
#include "tests/sim/random.hpp"

using namespace herd::protocol;
using herd::sim::Random;
using herd::testing::plain_position;
using herd::testing::plain_time;

namespace {

constexpr std::string_view kNameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::string drawn_of(Random& random, std::string_view bytes, std::size_t least, std::size_t most) {
  std::string text(least + random.below(most - least + 1), ' ');
  for (char& byte : text) byte = bytes[random.below(bytes.size())];
  return text;
}

std::string drawn_name(Random& random) {
  return drawn_of(random, kNameBytes, 1, kMaxNameBytes);
}

// A number of any encoded width of msgpack, also the least and the greatest of each.
std::uint64_t drawn_number(Random& random) {
  const std::uint64_t end = std::uint64_t{1} << random.below(64);
  switch (random.below(3)) {
    case 0:
      return end;
    case 1:
      return end - 1;
    default:
      return random.below(end);
  }
}

Nanoseconds drawn_clock(Random& random) {
  const std::uint64_t number = drawn_number(random);
  return Nanoseconds(static_cast<std::int64_t>(random.chance(0.5) ? number : 0 - number));
}

// ---- messages -------------------------------------------------------------------------------------------------------

Message drawn_message(Random& random, std::size_t kind) {
  const auto number = [&] { return drawn_number(random); };
  const auto incarnations = [&] { return Incarnations{number(), number()}; };
  switch (kind) {
    case 0:
      return Hello{static_cast<std::uint32_t>(random.below(UINT64_C(1) << 32)),
                   static_cast<std::uint32_t>(random.below(UINT64_C(1) << 32)),
                   drawn_name(random),
                   drawn_name(random),
                   number(),
                   number(),
                   number(),
                   drawn_clock(random),
                   random.chance(0.5),
                   number(),
                   random.chance(0.5) ? "tcp://" + drawn_name(random) + ":1" : std::string()};
    case 1:
      return Welcome{incarnations(), number(), number(), number(), 1 + number() / 2, number()};
    case 2: {
      const std::uint64_t from = number();
      const std::uint64_t room = UINT64_MAX - from;
      return Batch{incarnations(), number(), from, from + (room == 0 ? 0 : random.below(room)), number(), number()};
    }
    case 3:
      return Ack{incarnations(), number(), number(), number()};
    case 4:
      return Ping{number(), drawn_clock(random)};
    case 5:
      return Pong{number(), drawn_clock(random),
                  std::vector<NodeReport>(random.below(kMaxNodes + 1),
                                          {drawn_name(random), number(), number(), number(), random.chance(0.5),
                                           number(), number(), number(), number(), number()})};
    case 6:
      return Digest{incarnations(), number(), random.chance(0.5), number(), number()};
    case 7: {
      Pull pull{incarnations(), number(), number(), {}};
      for (std::uint64_t left = 1 + random.below(kMaxPulledBuckets); left > 0; --left) {
        pull.buckets.push_back(static_cast<std::uint32_t>(random.below(kBuckets)));
      }
      return pull;
    }
    case 8:
      return Answer{incarnations(), number(), number(), number()};
    default:
      return Bye{number()};
  }
}

// All fields of a message, for comparison.
std::string fields(const Message& message) {
  std::string out(name_of(message));
  const auto add = [&](const auto&... values) { ((out += " " + std::to_string(values)), ...); };
  if (const auto* m = std::get_if<Hello>(&message)) {
    out += " " + m->herd + " " + m->node + " " + m->address;
    add(m->oldest_version, m->version, m->incarnation, m->feed_id, m->attempt, m->clock.count(), m->answer, m->tail);
  } else if (const auto* welcome = std::get_if<Welcome>(&message)) {
    add(welcome->incarnations.sender, welcome->incarnations.receiver, welcome->feed_id, welcome->cursor,
        welcome->attempt, welcome->run, welcome->written);
  } else if (const auto* batch = std::get_if<Batch>(&message)) {
    add(batch->incarnations.sender, batch->incarnations.receiver, batch->attempt, batch->from, batch->to, batch->run,
        batch->written);
  } else if (const auto* ack = std::get_if<Ack>(&message)) {
    add(ack->incarnations.sender, ack->incarnations.receiver, ack->attempt, ack->merged, ack->durable);
  } else if (const auto* digest = std::get_if<Digest>(&message)) {
    add(digest->incarnations.sender, digest->incarnations.receiver, digest->round, digest->answer, digest->digest,
        digest->merged);
  } else if (const auto* pull = std::get_if<Pull>(&message)) {
    add(pull->incarnations.sender, pull->incarnations.receiver, pull->number, pull->position);
    for (const std::uint32_t bucket : pull->buckets) add(bucket);
  } else if (const auto* answer = std::get_if<Answer>(&message)) {
    add(answer->incarnations.sender, answer->incarnations.receiver, answer->number, answer->done, answer->position);
  } else if (const auto* ping = std::get_if<Ping>(&message)) {
    add(ping->nonce, ping->clock.count());
  } else if (const auto* pong = std::get_if<Pong>(&message)) {
    add(pong->nonce, pong->clock.count());
    for (const NodeReport& r : pong->reports) {
      out += " " + r.node;
      add(r.incarnation, r.uptime_ms, r.age_ms, r.ready, r.clients, r.digest, r.peers_up, r.peers, r.updates_per_s);
    }
  } else if (const auto* bye = std::get_if<Bye>(&message)) {
    add(bye->incarnation);
  }
  return out;
}

// ---- bodies ---------------------------------------------------------------------------------------------------------

struct OwnUpdate {
  std::string origin, client, coordinates, time_text;
  Update update;

  explicit OwnUpdate(Random& random, const std::vector<std::string>& origins) {
    static const std::string client_bytes = [] {
      std::string bytes;
      for (int byte = 0x21; byte < 0xff; ++byte) {
        if (byte != 0x7f) bytes.push_back(static_cast<char>(byte));
      }
      return bytes;
    }();
    origin = origins[random.below(origins.size())];
    client = drawn_of(random, client_bytes, 1, random.chance(0.1) ? kMaxClientBytes : 20);
    coordinates = drawn_of(random, "+-.0123456789/", 4, kMaxCoordinatesBytes);
    time_text = drawn_of(random, ".0123456789", 1, kMaxTimeBytes);
    update.id.run = drawn_number(random);
    update.id.number = drawn_number(random);
    update.epoch = static_cast<std::uint32_t>(drawn_number(random));
    update.difference = drawn_clock(random);
  }
  [[nodiscard]] Update view() const {
    Update u = update;
    u.id.origin = origin;
    u.client = client;
    u.coordinates = coordinates;
    u.time_text = time_text;
    return u;
  }
};

bool same(const Update& a, const Update& b) {
  return a.id.origin == b.id.origin && a.id.run == b.id.run && a.id.number == b.id.number && a.epoch == b.epoch &&
         a.client == b.client && a.coordinates == b.coordinates && a.time_text == b.time_text &&
         a.difference == b.difference;
}

// ---- texts ----------------------------------------------------------------------------------------------------------

// A decimal that is valid or nearly valid: too many digits, or none on one side of the point.
std::string drawn_decimal(Random& random, std::size_t digits, std::size_t fraction) {
  std::string text = drawn_of(random, "0123456789", random.chance(0.05) ? 0 : 1, digits + (random.chance(0.1) ? 1 : 0));
  if (random.chance(0.7)) {
    text += '.';
    text += drawn_of(random, random.chance(0.3) ? "0" : "0123456789", random.chance(0.05) ? 0 : 1,
                     fraction + (random.chance(0.1) ? 1 : 0));
  }
  return text;
}

std::string drawn_sign(Random& random) {
  return random.chance(0.02) ? "" : random.chance(0.5) ? "+" : "-";
}

std::string spoilt(Random& random, std::string text) {
  if (text.empty() || random.chance(0.8)) return text;
  static constexpr std::string_view kOdd = "+-.0e/x\x80 ";
  text[random.below(text.size())] = kOdd[random.below(kOdd.size())];
  return text;
}

std::string drawn_coordinates(Random& random) {
  const auto at_the_bound = [&](std::string whole) {
    std::string zeros(random.below(kMaxFractionDigits + 1), '0');
    if (zeros.empty()) return whole;
    if (random.chance(0.3)) zeros.back() = '1';
    return whole + "." + zeros;
  };
  const std::string latitude = random.chance(0.2) ? at_the_bound("90") : drawn_decimal(random, 2, kMaxFractionDigits);
  const std::string longitude = random.chance(0.2) ? at_the_bound("180") : drawn_decimal(random, 3, kMaxFractionDigits);
  const std::string end = random.chance(0.3) ? "/" : "";
  return spoilt(random, drawn_sign(random) + latitude + drawn_sign(random) + longitude + end);
}

}  // namespace

TEST_CASE("a random message is decoded as it was encoded") {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    const Message message = drawn_message(random, static_cast<std::size_t>(round) % 10);
    const std::string encoded = encode(message);
    const auto received = decode(encoded);
    REQUIRE(received);
    REQUIRE(fields(*received) == fields(message));
    REQUIRE(encode(*received) == encoded);
  }
}

TEST_CASE("a random message that is cut at any byte, or has trailing bytes, is refused") {
  Random random(2);
  for (int round = 0; round < 700; ++round) {
    const std::string encoded = encode(drawn_message(random, static_cast<std::size_t>(round) % 10));
    for (std::size_t size = 0; size < encoded.size(); ++size)
      REQUIRE_FALSE(decode(std::string_view(encoded).substr(0, size)));
    REQUIRE_FALSE(decode(encoded + '\0'));
  }
}

TEST_CASE("a random body is decoded as it was encoded, and is within the bound of a body") {
  Random random(3);
  std::size_t full = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> origins(1 + random.below(random.chance(0.1) ? kMaxNodes : 5));
    for (std::string& origin : origins) origin = drawn_name(random);
    BodyEncoder encoder;
    std::vector<OwnUpdate> updates;
    for (std::size_t count = random.below(kMaxBatchUpdates + 1); updates.size() < count;) {
      OwnUpdate update(random, origins);
      if (!encoder.add(update.view())) break;
      updates.push_back(std::move(update));
    }
    full += encoder.bytes() > kMaxBatchBytes / 2 ? 1U : 0U;
    const std::string encoded = encoder.finish();
    REQUIRE(encoded.size() <= kMaxBatchBytes);
    Body body;
    REQUIRE(decode_body(encoded, body));
    REQUIRE(body.unreadable == 0);
    REQUIRE(body.updates.size() == updates.size());
    for (std::size_t i = 0; i < updates.size(); ++i) REQUIRE(same(body.updates[i].update, updates[i].view()));
  }
  CHECK(full > 10);
}

TEST_CASE(
    "random coordinates are accepted exactly if the grammar and the decimal ranges allow them, with the right value") {
  Random random(4);
  std::array<int, 2> seen{};
  for (int round = 0; round < 50'000; ++round) {
    const std::string text = drawn_coordinates(random);
    INFO(text);
    const auto plain = plain_position(text);
    const auto parsed = parse_coordinates(text);
    REQUIRE(parsed.has_value() == plain.has_value());
    REQUIRE(check_coordinates(text).has_value() == plain.has_value());
    ++seen.at(plain ? 1 : 0);
    if (!parsed) continue;
    // The last bits of the double do not matter for a search nearby: 1e-12 degrees are less than a micrometre.
    REQUIRE(std::abs(parsed->latitude - plain->latitude) < 1e-12);
    REQUIRE(std::abs(parsed->longitude - plain->longitude) < 1e-12);
  }
  CHECK(seen[0] > 5000);
  CHECK(seen[1] > 5000);
}

TEST_CASE("random times are accepted exactly if the grammar and the range allow them, with the exact value") {
  Random random(5);
  std::array<int, 2> seen{};
  for (int round = 0; round < 50'000; ++round) {
    const std::string near_the_end = std::to_string(kTimeSecondsEnd - 1 + random.between(0, 1)) + ".999999999";
    const std::string text = spoilt(random, random.chance(0.1) ? near_the_end : drawn_decimal(random, 10, 9));
    INFO(text);
    const auto plain = plain_time(text);
    const auto parsed = parse_time(text);
    REQUIRE(parsed.has_value() == plain.has_value());
    ++seen.at(plain ? 1 : 0);
    if (parsed) REQUIRE(static_cast<std::uint64_t>(parsed->count()) == *plain);
  }
  CHECK(seen[0] > 5000);
  CHECK(seen[1] > 5000);
}

TEST_CASE("the reply contains the coordinates and the time exactly as the client sent them") {
  Random random(6);
  std::size_t received = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string coordinates = drawn_coordinates(random);
    const std::string time = drawn_decimal(random, 10, 9);
    if (!plain_position(coordinates) || !plain_time(time)) continue;
    ++received;
    const std::string line = "IAMAT\t kiwi  " + coordinates + " " + time + " ";
    const Command command = parse_command(line);
    const auto* encoded = std::get_if<Iamat>(&command);
    REQUIRE(encoded != nullptr);
    std::string reply;
    append_at(reply, {"Hill", Nanoseconds(7), encoded->client, encoded->coordinates, encoded->time_text});
    REQUIRE(reply == "AT Hill +0.000000007 kiwi " + coordinates + " " + time + "\n");
  }
  CHECK(received > 2000);
}

#include "node/observe/zmtp.hpp"

#include <algorithm>
#include <array>

#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"
#include "protocol/installation.hpp"

namespace herd::node::zmtp {
namespace {

using namespace std::string_view_literals;

constexpr unsigned char kMore = 1;
constexpr unsigned char kLong = 2;
constexpr unsigned char kCommand = 4;

constexpr std::size_t kVersionAt = 10;    // in the greeting, after a signature of 10 bytes
constexpr std::size_t kMechanismAt = 12;  // 20 bytes
constexpr std::size_t kMechanismBytes = 20;
constexpr std::size_t kAsServerAt = 32;
constexpr auto kNull = "NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv;
constexpr auto kCurve = "CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv;
static_assert(kNull.size() == kMechanismBytes && kCurve.size() == kMechanismBytes);
constexpr auto kOwnProperties = "\xbSocket-Type\0\0\0\4XPUB"sv;
constexpr std::size_t kShortHeader = 2;
constexpr std::size_t kLongHeader = 9;

unsigned char byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool equal_ignoring_case(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char left, char right) { return lower(left) == lower(right); });
}

// Removes `count` bytes from the front and returns them; nullopt if there are fewer.
std::optional<std::string_view> take(std::string_view& bytes, std::uint64_t count) {
  if (bytes.size() < count) return std::nullopt;
  const auto taken = bytes.substr(0, static_cast<std::size_t>(count));
  bytes.remove_prefix(taken.size());
  return taken;
}

std::optional<std::string_view> take_short_text(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::size_t size = byte_at(bytes, 0);
  bytes.remove_prefix(1);
  return take(bytes, size);
}

// Returns the value of Socket-Type in the properties of READY; nullopt if it is missing or repeated, or if the
// properties are malformed.
std::optional<std::string_view> socket_type(std::string_view properties) {
  std::optional<std::string_view> found;
  while (!properties.empty()) {
    const auto name = take_short_text(properties);
    const auto size = take(properties, 4);
    if (!name || name->empty() || !size) return std::nullopt;
    const auto value = take(properties, protocol::big_endian_at<std::uint32_t>(size->data()));
    if (!value) return std::nullopt;
    if (!equal_ignoring_case(*name, "Socket-Type")) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

void append_frame(std::string& out, unsigned char flags, std::string_view body) {
  if (body.size() <= 255) {
    out += static_cast<char>(flags);
    out += static_cast<char>(body.size());
  } else {
    out += static_cast<char>(flags | kLong);
    std::array<char, sizeof(std::uint64_t)> size;
    protocol::put_big_endian(size.data(), std::uint64_t{body.size()});
    out.append(size.data(), size.size());
  }
  out += body;
}

std::string command_frame(std::string_view body) {
  std::string bytes;
  append_frame(bytes, kCommand, body);
  return bytes;
}

}  // namespace

void Decoder::feed(std::string_view bytes) {
  if (!broken_.empty()) return;
  held_.erase(0, used_);
  used_ = 0;
  HERD_ASSERT(held_.size() <= kMaxHeldBytes);
  held_ += bytes;
}

std::nullopt_t Decoder::fail(std::string_view reason) {
  broken_ = reason;
  held_.clear();
  used_ = 0;
  return std::nullopt;
}

std::optional<Decoder::Event> Decoder::next() {
  if (!broken_.empty() || phase_ == Phase::Judgement) return std::nullopt;
  if (phase_ == Phase::Greeting) return next_of_greeting();
  if (phase_ == Phase::Admitted) return ready_for(session_->properties());
  const auto frame = next_frame();
  if (!frame) return std::nullopt;
  if (phase_ == Phase::Traffic) return traffic(*frame);
  return session_ == nullptr ? ready(*frame) : curve_command(*frame);
}

void Decoder::admit() {
  HERD_ASSERT(phase_ == Phase::Judgement);
  phase_ = Phase::Admitted;
}

// Checks each part of the greeting as soon as it has arrived, because a stranger may send only a line and then wait.
std::optional<Decoder::Event> Decoder::next_of_greeting() {
  const std::string_view bytes = held_;
  if (!bytes.empty() && byte_at(bytes, 0) != 0xff) return fail("does not speak ZMTP 3: libzmq 4.0 and later do");
  if (bytes.size() >= kVersionAt && (byte_at(bytes, kVersionAt - 1) & 1U) == 0) return fail("does not speak ZMTP");
  if (bytes.size() > kVersionAt && byte_at(bytes, kVersionAt) < 3) {
    return fail("speaks ZMTP 2: libzmq 4.0 and later speak ZMTP 3");
  }
  if (bytes.size() < kGreetingBytes) return std::nullopt;
  const std::string_view mechanism = bytes.substr(kMechanismAt, kMechanismBytes);
  if (session_ == nullptr && mechanism != kNull) return fail("wants another security mechanism than NULL");
  if (session_ != nullptr && mechanism != kCurve) {
    return fail("has no key: this monitor speaks CURVE, to viewers with a key of " HERD_COMMAND " keygen --viewer");
  }
  used_ = kGreetingBytes;
  phase_ = Phase::Handshake;
  return Event{Kind::Greeting, {}};
}

std::optional<Decoder::Frame> Decoder::next_frame() {
  const std::string_view bytes = std::string_view(held_).substr(used_);
  if (bytes.empty()) return std::nullopt;
  const unsigned char flags = byte_at(bytes, 0);
  if ((flags & ~(kMore | kLong | kCommand)) != 0) return fail("sends a frame with unknown flags");
  if ((flags & kMore) != 0) return fail("sends a message of several frames");
  const bool is_long = (flags & kLong) != 0;
  const std::size_t header = is_long ? kLongHeader : kShortHeader;
  if (bytes.size() < header) return std::nullopt;
  const std::uint64_t size = is_long ? protocol::big_endian_at<std::uint64_t>(bytes.data() + 1) : byte_at(bytes, 1);
  if (size > (session_ == nullptr ? kMaxReadyBytes : kMaxInitiateBytes)) return fail("sends a frame that is too long");
  if (bytes.size() < header + size) return std::nullopt;
  used_ += header + static_cast<std::size_t>(size);
  return Frame{(flags & kCommand) != 0, bytes.substr(header, static_cast<std::size_t>(size))};
}

std::optional<Decoder::Event> Decoder::ready(const Frame& frame) {
  std::string_view rest = frame.body;
  if (!frame.command || take_short_text(rest) != "READY"sv) return fail("does not begin with READY");
  return ready_for(rest);
}

std::optional<Decoder::Event> Decoder::ready_for(std::string_view properties) {
  const auto type = socket_type(properties);
  if (type != "SUB"sv && type != "XSUB"sv) return fail("is not a SUB or XSUB socket");
  phase_ = Phase::Traffic;
  return Event{Kind::Ready, {}};
}

std::optional<Decoder::Event> Decoder::curve_command(const Frame& frame) {
  if (phase_ == Phase::Handshake) {
    if (!frame.command || !session_->take_hello(frame.body)) return fail("does not know the public key of this node");
    phase_ = Phase::Initiate;
    return Event{Kind::Hello, {}};
  }
  if (!frame.command || !session_->take_initiate(frame.body)) return fail("does not prove its key");
  phase_ = Phase::Judgement;
  return Event{Kind::Initiate, {}};
}

std::optional<Decoder::Event> Decoder::traffic(const Frame& frame) {
  Frame plain = frame;
  if (session_ != nullptr) {
    const auto opened = session_->open(frame.body);
    if (!opened) return fail("sends a frame that is not encrypted with the key of its connection");
    if (opened->more) return fail("sends a message of several frames");
    plain = {opened->command, opened->text};
  }
  if (plain.command) return command(plain.body);
  if (plain.body.empty() || byte_at(plain.body, 0) > 1) return fail("sends a message that is not a subscription");
  return subscription(plain.body[0] == '\1' ? Kind::Subscribe : Kind::Cancel, plain.body.substr(1));
}

std::optional<Decoder::Event> Decoder::command(std::string_view body) {
  const auto name = take_short_text(body);
  if (name == "SUBSCRIBE"sv) return subscription(Kind::Subscribe, body);
  if (name == "CANCEL"sv) return subscription(Kind::Cancel, body);
  if (name != "PING"sv) return fail("sends an unknown command");
  constexpr std::size_t kTimeToLive = 2;  // bytes of the time-to-live, which this side ignores
  if (body.size() < kTimeToLive || body.size() > kTimeToLive + kMaxPingContextBytes)
    return fail("sends a malformed PING");
  return Event{Kind::Ping, body.substr(kTimeToLive)};
}

std::optional<Decoder::Event> Decoder::subscription(Kind kind, std::string_view prefix) {
  if (prefix.size() > kMaxPrefixBytes) return fail("sends a subscription that is too long");
  return Event{kind, prefix};
}

std::string greeting(const CurveSession* session) {
  std::string bytes("\xff\0\0\0\0\0\0\0\0\x7f\3\1", kMechanismAt);
  bytes += session == nullptr ? kNull : kCurve;
  bytes.resize(kGreetingBytes, '\0');
  if (session != nullptr) bytes[kAsServerAt] = '\1';
  return bytes;
}

std::string welcome(CurveSession& session) {
  return command_frame(session.welcome());
}

std::string ready(CurveSession* session) {
  return command_frame(session == nullptr ? std::string("\5READY").append(kOwnProperties)
                                          : session->ready(kOwnProperties));
}

std::string refusal() {
  return command_frame(
      "\5ERROR\3"
      "400"sv);
}

std::string pong(std::string_view context, CurveSession* session) {
  const std::string body = std::string("\4PONG").append(context);
  if (session == nullptr) return command_frame(body);
  std::string bytes;
  append_frame(bytes, 0, session->seal({.command = true, .text = body}));
  return bytes;
}

std::string message(std::string_view topic, std::string_view body) {
  std::string bytes;
  bytes.reserve(2 * kLongHeader + topic.size() + body.size());
  append_frame(bytes, kMore, topic);
  append_frame(bytes, 0, body);
  return bytes;
}

// `message` is of message(), so its frames are complete.
std::string sealed(std::string_view message, CurveSession& session) {
  std::string bytes;
  while (!message.empty()) {
    const unsigned char flags = byte_at(message, 0);
    const bool is_long = (flags & kLong) != 0;
    const std::uint64_t size =
        is_long ? protocol::big_endian_at<std::uint64_t>(message.data() + 1) : byte_at(message, 1);
    message.remove_prefix(is_long ? kLongHeader : kShortHeader);
    const auto text = take(message, size);
    HERD_ASSERT(text.has_value());
    append_frame(bytes, 0, session.seal({.more = (flags & kMore) != 0, .text = *text}));
  }
  return bytes;
}

}  // namespace herd::node::zmtp

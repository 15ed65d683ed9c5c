#include "protocol/messages.hpp"

#include <algorithm>
#include <msgpack.hpp>
#include <tuple>

#include "protocol/limits.hpp"
#include "protocol/name.hpp"

namespace herd::protocol {
namespace {

// The first element of every header. A number is never reused for another type.
enum class Type : std::uint8_t {
  Hello = 1,
  Welcome = 2,
  Batch = 3,
  Ack = 4,
  Digest = 5,
  Pull = 6,
  Answer = 7,
  Ping = 8,
  Pong = 9,
  Bye = 10,
  Conflict = 11,
};

// Encodes one header: an array that begins with the type.
class HeaderWriter {
 public:
  HeaderWriter(Type type, std::uint32_t fields) : packer_(buffer_) {
    packer_.pack_array(fields + 1);
    packer_.pack(static_cast<std::uint8_t>(type));
  }
  template <typename... Fields>
  std::string of(const Fields&... fields) {
    (packer_.pack(fields), ...);
    return {buffer_.data(), buffer_.size()};
  }

 private:
  msgpack::sbuffer buffer_{128};
  msgpack::packer<msgpack::sbuffer> packer_;
};

template <typename... Fields>
std::string header(Type type, const Fields&... fields) {
  return HeaderWriter(type, sizeof...(fields)).of(fields...);
}

// Packed as one array for each report.
auto packed(const std::vector<NodeReport>& reports) {
  using Number = std::uint64_t;
  std::vector<std::tuple<std::string_view, Number, Number, Number, bool, Number, Number, Number, Number, Number>> all;
  all.reserve(reports.size());
  for (const NodeReport& r : reports) {
    all.emplace_back(r.node, r.incarnation, r.uptime_ms, r.age_ms, r.ready, r.clients, r.digest, r.peers_up, r.peers,
                     r.updates_per_s);
  }
  return all;
}

struct Encoder {
  std::string operator()(const Hello& m) const {
    return header(Type::Hello, m.oldest_version, m.version, m.herd, m.node, m.incarnation, m.feed_id, m.attempt,
                  m.clock.count(), m.answer, m.tail, m.address);
  }
  std::string operator()(const Welcome& m) const {
    return header(Type::Welcome, m.incarnations.sender, m.incarnations.receiver, m.feed_id, m.cursor, m.attempt, m.run,
                  m.written);
  }
  std::string operator()(const Batch& m) const {
    return header(Type::Batch, m.incarnations.sender, m.incarnations.receiver, m.attempt, m.from, m.to, m.run,
                  m.written);
  }
  std::string operator()(const Ack& m) const {
    return header(Type::Ack, m.incarnations.sender, m.incarnations.receiver, m.attempt, m.merged, m.durable);
  }
  std::string operator()(const Digest& m) const {
    return header(Type::Digest, m.incarnations.sender, m.incarnations.receiver, m.round, m.answer, m.digest, m.merged);
  }
  std::string operator()(const Pull& m) const {
    return header(Type::Pull, m.incarnations.sender, m.incarnations.receiver, m.number, m.position, m.buckets);
  }
  std::string operator()(const Answer& m) const {
    return header(Type::Answer, m.incarnations.sender, m.incarnations.receiver, m.number, m.done, m.position);
  }
  std::string operator()(const Ping& m) const { return header(Type::Ping, m.nonce, m.clock.count()); }
  std::string operator()(const Pong& m) const {
    if (m.reports.empty()) return header(Type::Pong, m.nonce, m.clock.count());
    return header(Type::Pong, m.nonce, m.clock.count(), packed(m.reports));
  }
  std::string operator()(const Bye& m) const { return header(Type::Bye, m.incarnation); }
  std::string operator()(const Conflict& m) const {
    return header(Type::Conflict, m.incarnations.sender, m.incarnations.receiver, m.keeps_name, m.other_incarnation,
                  m.other_address, m.other_host);
  }
  std::string operator()(const UnknownMessage&) const { return {}; }
};

// Reads the fields of a header in order. After the first field that is missing or of another type, ok() is false.
class HeaderReader {
 public:
  // `first`: the index of the first field to read; by default the one after the type.
  explicit HeaderReader(const msgpack::object_array& fields, std::uint32_t first = 1) : fields_(fields), next_(first) {}

  template <typename T>
  void take(T& into) {
    if (next_ >= fields_.size) {
      ok_ = false;
      return;
    }
    try {
      fields_.ptr[next_++].convert(into);
    } catch (const msgpack::type_error&) {
      ok_ = false;
    }
  }
  void take(Nanoseconds& into) {
    std::int64_t count = 0;
    take(count);
    into = Nanoseconds{count};
  }
  // An address is only shown to people, so an invalid one is read as empty and is no error.
  void take_address(std::string& into) {
    take(into);
    if (!is_shown_address(into)) into.clear();
  }
  void take(std::vector<NodeReport>& into) {
    const msgpack::object& all = fields_.ptr[next_++];
    ok_ = ok_ && all.type == msgpack::type::ARRAY && all.via.array.size <= kMaxNodes;
    if (!ok_) return;
    for (std::uint32_t i = 0; ok_ && i < all.via.array.size; ++i) take(all.via.array.ptr[i], into.emplace_back());
  }
  [[nodiscard]] bool has_more() const { return next_ < fields_.size; }
  [[nodiscard]] bool ok() const { return ok_; }
  template <typename... Fields>
  [[nodiscard]] bool all(Fields&... fields) {
    (take(fields), ...);
    return ok_;
  }

 private:
  void take(const msgpack::object& object, NodeReport& r) {
    ok_ = object.type == msgpack::type::ARRAY;
    if (!ok_) return;
    HeaderReader reader(object.via.array, 0);
    ok_ = reader.all(r.node, r.incarnation, r.uptime_ms, r.age_ms, r.ready, r.clients, r.digest, r.peers_up, r.peers,
                     r.updates_per_s) &&
          is_name(r.node);
  }

  const msgpack::object_array& fields_;
  std::uint32_t next_;
  bool ok_ = true;
};

Result<Message> done(bool ok, Message message) {
  if (!ok) return fail(std::string(name_of(message)) + ": a field is missing or of another type");
  return message;
}

// Accepts a HELLO of an older version, which has no address, so that the node can refuse it because of its version and
// report that.
Result<Message> read_hello(HeaderReader reader) {
  Hello m;
  const bool complete = reader.all(m.oldest_version, m.version, m.herd, m.node, m.incarnation, m.feed_id, m.attempt,
                                   m.clock, m.answer, m.tail);
  if (complete && reader.has_more()) reader.take_address(m.address);
  if (reader.ok() && (!is_name(m.herd) || !is_name(m.node)))
    return fail("hello: a name is not 1 to 63 characters of A-Z a-z 0-9 _ -");
  return done(reader.ok(), Message{std::move(m)});
}

Result<Message> read_conflict(HeaderReader reader) {
  Conflict m;
  (void)reader.all(m.incarnations.sender, m.incarnations.receiver, m.keeps_name, m.other_incarnation);
  reader.take_address(m.other_address);
  reader.take_address(m.other_host);
  return done(reader.ok(), Message{std::move(m)});
}

Result<Message> read_digests(std::uint64_t type, HeaderReader reader) {
  switch (type) {
    case static_cast<std::uint64_t>(Type::Digest): {
      Digest m;
      const bool ok = reader.all(m.incarnations.sender, m.incarnations.receiver, m.round, m.answer, m.digest, m.merged);
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Pull): {
      Pull m;
      const bool ok = reader.all(m.incarnations.sender, m.incarnations.receiver, m.number, m.position, m.buckets);
      const auto is_bucket = [](std::uint32_t bucket) { return bucket < kBuckets; };
      if (ok && (m.buckets.empty() || m.buckets.size() > kMaxPulledBuckets ||
                 !std::all_of(m.buckets.begin(), m.buckets.end(), is_bucket))) {
        return fail("pull: it names no bucket, too many buckets or a bucket out of range");
      }
      return done(ok, Message{std::move(m)});
    }
    case static_cast<std::uint64_t>(Type::Answer): {
      Answer m;
      const bool ok = reader.all(m.incarnations.sender, m.incarnations.receiver, m.number, m.done, m.position);
      return done(ok, Message{m});
    }
    default:
      return Message{UnknownMessage{type}};
  }
}

Result<Message> read_fields(std::uint64_t type, HeaderReader reader) {
  switch (type) {
    case static_cast<std::uint64_t>(Type::Hello):
      return read_hello(reader);
    case static_cast<std::uint64_t>(Type::Welcome): {
      Welcome m;
      const bool ok =
          reader.all(m.incarnations.sender, m.incarnations.receiver, m.feed_id, m.cursor, m.attempt, m.run, m.written);
      if (ok && m.cursor > 0 && m.run == 0) return fail("welcome: a cursor above 0 without a run");
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Batch): {
      Batch m;
      const bool ok =
          reader.all(m.incarnations.sender, m.incarnations.receiver, m.attempt, m.from, m.to, m.run, m.written);
      if (ok && m.to < m.from) return fail("batch: its range ends before it begins");
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Ack): {
      Ack m;
      const bool ok = reader.all(m.incarnations.sender, m.incarnations.receiver, m.attempt, m.merged, m.durable);
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Ping): {
      Ping m;
      const bool ok = reader.all(m.nonce, m.clock);
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Pong): {
      Pong m;
      if (reader.all(m.nonce, m.clock) && reader.has_more()) reader.take(m.reports);
      return done(reader.ok(), Message{std::move(m)});
    }
    case static_cast<std::uint64_t>(Type::Bye): {
      Bye m;
      const bool ok = reader.all(m.incarnation);
      return done(ok, Message{m});
    }
    case static_cast<std::uint64_t>(Type::Conflict):
      return read_conflict(reader);
    default:
      return read_digests(type, reader);
  }
}

}  // namespace

std::string encode(const Message& message) {
  return std::visit(Encoder{}, message);
}

Result<Message> decode(std::string_view bytes) {
  // The library's default limit is 2^32-1 elements, so that five bytes could request gigabytes. These limits are wider
  // than any field of this version, because a later version may add fields.
  const msgpack::unpack_limit limit(1024, 64, 1024, 1024, 0, 8);
  try {
    std::size_t offset = 0;
    const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size(), offset, nullptr, nullptr, limit);
    if (offset != bytes.size()) return fail("there are trailing bytes after the header");
    const msgpack::object& object = handle.get();
    if (object.type != msgpack::type::ARRAY || object.via.array.size == 0)
      return fail("the header is not a non-empty array");
    const msgpack::object& type = object.via.array.ptr[0];
    if (type.type != msgpack::type::POSITIVE_INTEGER) return fail("the header does not begin with a message type");
    return read_fields(type.via.u64, HeaderReader(object.via.array));
  } catch (const msgpack::unpack_error&) {
    return fail("the header is not valid msgpack within the limits");
  }
}

std::string_view name_of(const Message& message) {
  static constexpr std::string_view kNames[] = {"hello",  "welcome", "batch", "ack", "digest",   "pull",
                                                "answer", "ping",    "pong",  "bye", "conflict", "unknown"};
  static_assert(std::size(kNames) == std::variant_size_v<Message>);
  return kNames[message.index()];
}

bool is_shown_address(std::string_view text) {
  const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; };
  return text.size() <= kMaxAddressBytes && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace herd::protocol

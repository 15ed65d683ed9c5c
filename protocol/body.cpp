#include "protocol/body.hpp"

#include <array>
#include <limits>
#include <msgpack.hpp>
#include <utility>

#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/wire.hpp"

namespace herd::protocol {
namespace {

constexpr std::uint32_t kBodyFields = 2;    // [origins, updates]
constexpr std::uint32_t kOriginFields = 2;  // [name, run]
constexpr std::uint32_t kUpdateFields = 7;  // [origin, number, epoch, client, coordinates, time, difference]
constexpr std::uint32_t kMaxItems = 1024;   // origins or updates in a body; above kMaxBatchUpdates, for later versions
static_assert(kMaxBatchUpdates <= kMaxItems);
constexpr std::size_t kUsualBodyBytes = std::size_t{48} * 1024;  // of a full batch
static_assert(1 + 4 * wire::kMaxNumberBytes + 3 * wire::kMaxTextHeadBytes <= 64,
              "add() reserves 64 bytes besides the texts");

// An integer as msgpack delivers it: non-negative ones are unsigned, also in signed fields.
struct Integer {
  bool present = false;
  bool negative = false;
  std::uint64_t magnitude = 0;  // the value, or its two's complement bits where negative

  [[nodiscard]] bool to_unsigned(std::uint64_t max, std::uint64_t& out) const {
    if (!present || negative || magnitude > max) return false;
    out = magnitude;
    return true;
  }
  [[nodiscard]] bool to_signed(std::int64_t& out) const {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!present || (!negative && magnitude > kMax)) return false;
    out = static_cast<std::int64_t>(magnitude);
    return true;
  }
};

// Parses a body without building objects. Depth 1 is the body, 2 the two lists, 3 an origin or an update; deeper values
// are fields of later versions and are skipped. To return false from a visit ends the parse: the whole frame is
// refused, and its good updates are lost. So texts and nested arrays may be as long as the frame; they take no memory
// here.
class BodyVisitor : public msgpack::null_visitor {
 public:
  explicit BodyVisitor(Body& into) : body_(into) {}

  bool start_array(std::uint32_t size) {
    if (++depth_ > kMaxDepth) return false;
    if (depth_ == 1) return size >= kBodyFields;
    if (depth_ == 2 && list_ < kBodyFields) return ++lists_found_ <= kBodyFields && size <= kMaxItems;
    if (depth_ == 3) begin_item();
    return true;
  }
  bool start_array_item() { return true; }
  bool end_array_item() {
    if (depth_ == 1) ++list_;
    if (depth_ == 3) ++field_;
    if (depth_ == 2 && !item_was_array_) note_wrong_item();
    if (depth_ == 2) item_was_array_ = false;
    return true;
  }
  bool end_array() {
    if (depth_ == 3) end_item();
    --depth_;
    return true;
  }
  bool start_map(std::uint32_t) { return ++depth_ <= kMaxDepth; }
  bool end_map() {
    --depth_;
    return true;
  }
  bool visit_str(const char* data, std::uint32_t size) {
    if (depth_ == 3 && field_ < texts_.size()) texts_[field_] = {data, size};
    return true;
  }
  bool visit_positive_integer(std::uint64_t value) { return integer({true, false, value}); }
  bool visit_negative_integer(std::int64_t value) { return integer({true, true, static_cast<std::uint64_t>(value)}); }

  [[nodiscard]] bool complete() const { return depth_ == 0 && list_ >= kBodyFields && lists_found_ == kBodyFields; }

 private:
  static constexpr int kMaxDepth = 16;  // bounds the library's stack, which has a few bytes per level

  bool integer(Integer value) {
    if (depth_ == 3 && field_ < integers_.size()) integers_[field_] = value;
    return true;
  }
  void begin_item() {
    field_ = 0;
    texts_.fill({});
    integers_.fill({});
    item_was_array_ = true;
  }
  void note_wrong_item() {
    if (list_ == 0)
      body_.origins.emplace_back();  // so that the indexes of the others stay right; its updates are unreadable
    if (list_ == 1) ++body_.unreadable;
  }
  void end_item() {
    if (list_ == 0) end_origin();
    if (list_ == 1) end_update();
  }
  void end_origin() {
    Body::Origin origin{texts_[0], 0};
    if (!is_name(origin.name) || !integers_[1].to_unsigned(UINT64_MAX, origin.run)) origin = {};
    body_.origins.push_back(origin);
  }
  void end_update() {
    Body::Entry entry;
    std::uint64_t origin = 0;
    std::uint64_t epoch = 0;
    std::int64_t difference = 0;
    const bool readable = integers_[0].to_unsigned(kMaxItems, origin) && origin < body_.origins.size() &&
                          !body_.origins[origin].name.empty() &&
                          integers_[1].to_unsigned(UINT64_MAX, entry.update.id.number) &&
                          integers_[2].to_unsigned(UINT32_MAX, epoch) && integers_[6].to_signed(difference) &&
                          texts_[3].data() != nullptr && texts_[4].data() != nullptr && texts_[5].data() != nullptr;
    if (!readable) {
      ++body_.unreadable;
      return;
    }
    entry.origin = origin;
    entry.update.id.origin = body_.origins[origin].name;
    entry.update.id.run = body_.origins[origin].run;
    entry.update.epoch = static_cast<std::uint32_t>(epoch);
    entry.update.client = texts_[3];
    entry.update.coordinates = texts_[4];
    entry.update.time_text = texts_[5];
    entry.update.difference = Nanoseconds{difference};
    body_.updates.push_back(entry);
  }

  Body& body_;
  int depth_ = 0;
  std::size_t list_ = 0;         // index of the current element of the body
  std::size_t lists_found_ = 0;  // how many of the first two elements were arrays
  std::size_t field_ = 0;        // index of the current field of the origin or update
  bool item_was_array_ = false;
  std::array<std::string_view, kUpdateFields> texts_;
  std::array<Integer, kUpdateFields> integers_;
};

}  // namespace

std::size_t BodyEncoder::origin_index(const UpdateId& id) {
  for (std::size_t i = origins_.size(); i > 0; --i) {  // newest first: it is the most frequent
    if (origins_[i - 1].run == id.run && origins_[i - 1].name == id.origin) return i - 1;
  }
  origins_.push_back({std::string(id.origin), id.run});
  origin_bytes_ += id.origin.size() + 12;
  return origins_.size() - 1;
}

bool BodyEncoder::add(const Update& update) {
  const std::size_t most_bytes = update.client.size() + update.coordinates.size() + update.time_text.size() + 64;
  const std::size_t new_origin = update.id.origin.size() + 12;
  if (updates_.size() + origin_bytes_ + most_bytes + new_origin + 16 > kMaxBatchBytes) return false;
  if (updates_.capacity() < kUsualBodyBytes) updates_.reserve(kUsualBodyBytes);
  const std::size_t before = updates_.size();
  updates_.resize(before + most_bytes);
  char* at = updates_.data() + before;
  *at++ = static_cast<char>(0x90 | kUpdateFields);
  at = wire::put_unsigned(at, origin_index(update.id));
  at = wire::put_unsigned(at, update.id.number);
  at = wire::put_unsigned(at, update.epoch);
  at = wire::put_text(at, update.client);
  at = wire::put_text(at, update.coordinates);
  at = wire::put_text(at, update.time_text);
  at = wire::put_signed(at, update.difference.count());
  updates_.resize(static_cast<std::size_t>(at - updates_.data()));
  ++count_;
  return true;
}

std::string BodyEncoder::finish() {
  msgpack::sbuffer head(64);
  msgpack::packer<msgpack::sbuffer> packer(head);
  packer.pack_array(kBodyFields);
  packer.pack_array(static_cast<std::uint32_t>(origins_.size()));
  for (const Origin& origin : origins_) {
    packer.pack_array(kOriginFields);
    packer.pack(origin.name);
    packer.pack(origin.run);
  }
  packer.pack_array(static_cast<std::uint32_t>(count_));
  std::string out;
  out.reserve(head.size() + updates_.size());
  out.append(head.data(), head.size()).append(updates_);
  clear();
  return out;
}

void BodyEncoder::clear() {
  origins_.clear();
  updates_.clear();
  count_ = origin_bytes_ = 0;
}

namespace {

// The fast path: decodes a valid body in the forms that BodyEncoder writes. Returns false for any other frame, which
// BodyVisitor decodes.
bool decode_usual(std::string_view frame, Body& into) {
  wire::Reader reader(frame);
  std::uint32_t origins = 0;
  if (!reader.array(kBodyFields) || !reader.array_head(origins) || origins > kMaxItems) return false;
  for (std::uint32_t i = 0; i < origins; ++i) {
    Body::Origin& origin = into.origins.emplace_back();
    if (!reader.array(kOriginFields) || !reader.text(origin.name) || !reader.unsigned_number(origin.run)) return false;
    if (!is_name(origin.name)) return false;
  }
  std::uint32_t updates = 0;
  if (!reader.array_head(updates) || updates > kMaxItems) return false;
  for (std::uint32_t i = 0; i < updates; ++i) {
    std::uint64_t origin = 0;
    std::uint64_t epoch = 0;
    std::int64_t difference = 0;
    Body::Entry& entry = into.updates.emplace_back();
    Update& update = entry.update;
    const bool usual = reader.array(kUpdateFields) && reader.unsigned_number(origin) &&
                       reader.unsigned_number(update.id.number) && reader.unsigned_number(epoch) &&
                       reader.text(update.client) && reader.text(update.coordinates) && reader.text(update.time_text) &&
                       reader.signed_number(difference);
    if (!usual || origin >= origins || epoch > UINT32_MAX) return false;
    entry.origin = origin;
    update.id.origin = into.origins[origin].name;
    update.id.run = into.origins[origin].run;
    update.epoch = static_cast<std::uint32_t>(epoch);
    update.difference = Nanoseconds{difference};
  }
  return reader.at_end();
}

void clear(Body& body) {
  body.origins.clear();
  body.updates.clear();
  body.unreadable = 0;
}

}  // namespace

Result<void> decode_body(std::string_view frame, Body& into) {
  clear(into);
  if (decode_usual(frame, into)) return {};
  return decode_any_body(frame, into);
}

Result<void> decode_any_body(std::string_view frame, Body& into) {
  clear(into);
  BodyVisitor visitor(into);
  std::size_t offset = 0;
  try {
    if (!msgpack::parse(frame.data(), frame.size(), offset, visitor) || !visitor.complete()) {
      return fail("the body is not msgpack of the expected shape and size");
    }
  } catch (const msgpack::unpack_error&) {  // thrown by null_visitor's default error handlers
    return fail("the body is not valid msgpack");
  }
  if (offset != frame.size()) return fail("there are trailing bytes after the body");
  return {};
}

}  // namespace herd::protocol

#include "protocol/body.hpp"

#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/name.hpp"
#include "protocol/wire.hpp"

namespace herd::protocol {
namespace {

constexpr std::uint32_t kBodyFields = 2;    // [origins, updates]
constexpr std::uint32_t kOriginFields = 2;  // [name, run]
constexpr std::uint32_t kUpdateFields = 7;  // [origin, number, epoch, client, coordinates, time, difference]
constexpr std::uint32_t kMaxItems = 1024;   // origins or updates in a body; above kMaxBatchUpdates, for later versions
static_assert(kMaxBatchUpdates <= kMaxItems);
constexpr std::size_t kUsualBodyBytes = std::size_t{48} * 1024;  // of a full batch
constexpr std::size_t kMaxArrayHeads = 16;                       // bytes, of the three arrays of a body
// Arrays and maps inside each other, in an item of a list and in a field of it. The body and its list are two levels.
constexpr std::size_t kItemLevels = wire::Reader::kMostLevels - 2;
constexpr std::size_t kFieldLevels = kItemLevels - 1;
static_assert(1 + 4 * wire::kMaxNumberBytes + 3 * wire::kMaxTextHeadBytes <= 64,
              "add() reserves 64 bytes besides the texts");

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
  at = wire::put_array_head(at, kUpdateFields);
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
  std::string out(origin_bytes_ + kMaxArrayHeads, '\0');
  char* at = wire::put_array_head(out.data(), kBodyFields);
  at = wire::put_array_head(at, static_cast<std::uint32_t>(origins_.size()));
  for (const Origin& origin : origins_) {
    at = wire::put_array_head(at, kOriginFields);
    at = wire::put_text(at, origin.name);
    at = wire::put_unsigned(at, origin.run);
  }
  at = wire::put_array_head(at, static_cast<std::uint32_t>(count_));
  out.resize(static_cast<std::size_t>(at - out.data()));
  out.append(updates_);
  clear();
  return out;
}

void BodyEncoder::clear() {
  origins_.clear();
  updates_.clear();
  count_ = origin_bytes_ = 0;
}

namespace {

// Reads the values of an array after its first `read` ones, which later versions add.
bool skip_rest(wire::Reader& reader, std::uint32_t size, std::uint32_t read, std::size_t levels) {
  for (; read < size; ++read) {
    if (!reader.skip(levels)) return false;
  }
  return true;
}

bool read_origin_fields(wire::Reader& reader, Body::Origin& origin) {
  std::uint32_t fields = 0;
  return reader.array_head(fields) && fields >= kOriginFields && reader.text(origin.name) && is_name(origin.name) &&
         reader.unsigned_number(origin.run) && skip_rest(reader, fields, kOriginFields, kFieldLevels);
}

bool read_update_fields(wire::Reader& reader, Body::Entry& entry, const std::vector<Body::Origin>& origins) {
  Update& update = entry.update;
  std::uint32_t fields = 0;
  std::uint64_t origin = 0;
  std::uint64_t epoch = 0;
  std::int64_t difference = 0;
  const bool is_readable = reader.array_head(fields) && fields >= kUpdateFields && reader.unsigned_number(origin) &&
                           reader.unsigned_number(update.id.number) && reader.unsigned_number(epoch) &&
                           reader.text(update.client) && reader.text(update.coordinates) &&
                           reader.text(update.time_text) && reader.signed_number(difference) &&
                           origin < origins.size() && !origins[origin].name.empty() && epoch <= UINT32_MAX;
  if (!is_readable) return false;
  entry.origin = origin;
  update.id.origin = origins[origin].name;
  update.id.run = origins[origin].run;
  update.epoch = static_cast<std::uint32_t>(epoch);
  update.difference = Nanoseconds{difference};
  return skip_rest(reader, fields, kUpdateFields, kFieldLevels);
}

// An unreadable origin stays in the list, without a name, so that the indexes of the others are right.
bool read_origin(wire::Reader& reader, Body& into) {
  wire::Reader fields = reader;
  Body::Origin& origin = into.origins.emplace_back();
  if (read_origin_fields(fields, origin)) {
    reader = fields;
    return true;
  }
  origin = {};
  return reader.skip(kItemLevels);
}

bool read_update(wire::Reader& reader, Body& into) {
  wire::Reader fields = reader;
  if (read_update_fields(fields, into.updates.emplace_back(), into.origins)) {
    reader = fields;
    return true;
  }
  into.updates.pop_back();
  ++into.unreadable;
  return reader.skip(kItemLevels);
}

template <typename ReadItem>
bool read_list(wire::Reader& reader, Body& into, ReadItem read_item) {
  std::uint32_t items = 0;
  if (!reader.array_head(items) || items > kMaxItems) return false;
  for (std::uint32_t i = 0; i < items; ++i) {
    if (!read_item(reader, into)) return false;
  }
  return true;
}

void clear(Body& body) {
  body.origins.clear();
  body.updates.clear();
  body.unreadable = 0;
}

}  // namespace

Result<void> decode_body(std::string_view frame, Body& into) {
  clear(into);
  wire::Reader reader(frame);
  std::uint32_t fields = 0;
  const bool is_body = reader.array_head(fields) && fields >= kBodyFields && read_list(reader, into, read_origin) &&
                       read_list(reader, into, read_update) &&
                       skip_rest(reader, fields, kBodyFields, wire::Reader::kMostLevels - 1);
  if (!is_body) return fail("the body is not msgpack of the expected shape and size");
  if (!reader.at_end()) return fail("there are trailing bytes after the body");
  return {};
}

}  // namespace herd::protocol

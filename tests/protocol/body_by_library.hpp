// Decodes bodies with msgpack-c's parser, to compare decode_body() with it.
#pragma once

#include <array>
#include <limits>
#include <msgpack.hpp>
#include <string_view>

#include "protocol/body.hpp"
#include "protocol/name.hpp"

namespace herd::protocol::by_library {

inline constexpr std::uint32_t kBodyFields = 2;    // [origins, updates]
inline constexpr std::uint32_t kUpdateFields = 7;  // [origin, number, epoch, client, coordinates, time, difference]
inline constexpr std::uint32_t kMaxItems = 1024;   // as in protocol/body.cpp

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

// Reads a body while msgpack-c parses it, without building objects. Depth 1 is the body, 2 the two lists, 3 an origin
// or an update; deeper values are fields of later versions and are skipped. To return false from a visit ends the
// parse: the whole frame is refused, and its good updates are lost. So texts and nested arrays may be as long as the
// frame; they take no memory here.
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
  bool visit_negative_integer(std::int64_t value) {  // called for every number in a signed form
    return integer({true, value < 0, static_cast<std::uint64_t>(value)});
  }

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

// Returns whether the frame is a body, as decode_body() does.
inline bool decode_body(std::string_view frame, Body& into) {
  into = {};
  BodyVisitor visitor(into);
  std::size_t offset = 0;
  try {
    return msgpack::parse(frame.data(), frame.size(), offset, visitor) && visitor.complete() && offset == frame.size();
  } catch (const msgpack::unpack_error&) {  // thrown by null_visitor's default error handlers
    return false;
  }
}

}  // namespace herd::protocol::by_library

// A body of any bytes: every view points into the frame, every origin has a valid name, msgpack-c reads the same, and
// the updates that were read can be encoded and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/body.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "protocol/name.hpp"
#include "tests/protocol/body_by_library.hpp"

using namespace herd::protocol;

namespace {

bool is_inside(std::string_view part, std::string_view frame) {
  return part.data() >= frame.data() && part.data() + part.size() <= frame.data() + frame.size();
}

bool same(const Update& a, const Update& b) {
  return a.id.origin == b.id.origin && a.id.run == b.id.run && a.id.number == b.id.number && a.epoch == b.epoch &&
         a.client == b.client && a.coordinates == b.coordinates && a.time_text == b.time_text &&
         a.difference == b.difference;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  Body body;
  Body library_body;
  const bool is_body = decode_body(frame, body).has_value();
  const bool is_body_by_library = by_library::decode_body(frame, library_body);
  HERD_ASSERT(is_body == is_body_by_library);
  if (!is_body) return 0;
  HERD_ASSERT(body.unreadable == library_body.unreadable && body.updates.size() == library_body.updates.size());
  for (std::size_t i = 0; i < body.updates.size(); ++i) {
    HERD_ASSERT(same(body.updates[i].update, library_body.updates[i].update));
  }
  BodyEncoder encoder;
  std::size_t added = 0;
  for (const Body::Entry& entry : body.updates) {
    const Update& update = entry.update;
    HERD_ASSERT(entry.origin < body.origins.size() && is_name(update.id.origin));
    for (const std::string_view text : {update.id.origin, update.client, update.coordinates, update.time_text}) {
      HERD_ASSERT(is_inside(text, frame));
    }
    if (!encoder.add(update)) break;
    ++added;
  }
  const std::string encoded = encoder.finish();
  HERD_ASSERT(encoded.size() <= kMaxBatchBytes);
  Body again;
  const bool is_body_again = decode_body(encoded, again).has_value();
  HERD_ASSERT(is_body_again && again.unreadable == 0 && again.updates.size() == added);
  for (std::size_t i = 0; i < added; ++i) HERD_ASSERT(same(again.updates[i].update, body.updates[i].update));
  return 0;
}

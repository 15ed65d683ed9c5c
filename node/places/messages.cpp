#include "node/places/messages.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <exception>
#include <msgpack.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

namespace herd::node::places {
namespace {

using protocol::fail;

constexpr int kQuery = 1;
constexpr int kAnswer = 2;
constexpr std::uint32_t kQueryFields = 6;
constexpr int kFigures = 3;
constexpr std::uint32_t kAnswerFields = 4;
constexpr std::uint32_t kFiguresFields = 2;

// The form of figures in a message. Arrays without names keep the message short.
using PackedFigures = std::tuple<std::string, int, std::string, decltype(Figures::requests),
                                 decltype(Figures::latencies), std::array<std::uint64_t, 7>>;

PackedFigures pack(const Figures& figures) {
  return {figures.provider,
          static_cast<int>(figures.state),
          figures.trouble,
          figures.requests,
          figures.latencies,
          {figures.latency_us, figures.hits, figures.misses, figures.shared, figures.stale, figures.cached,
           figures.cached_bytes}};
}

// Throws msgpack::type_error if the state is unknown.
Figures unpack(PackedFigures&& packed) {
  auto& [provider, state, trouble, requests, latencies, counts] = packed;
  if (state < 0 || static_cast<std::size_t>(state) >= kProviderStates) {
    throw msgpack::type_error();
  }
  return {std::move(provider), static_cast<ProviderState>(state),
          std::move(trouble),  requests,
          latencies,           counts[0],
          counts[1],           counts[2],
          counts[3],           counts[4],
          counts[5],           counts[6]};
}

// Without limits, a message of five bytes can request gigabytes.
msgpack::unpack_limit limits() {
  return {/*array=*/16, /*map=*/0, kMaxDocumentBytes, /*bin=*/0, /*ext=*/0, /*depth=*/5};
}

bool stay_in_place(msgpack::type::object_type /*type*/, std::size_t /*size*/, void* /*user*/) {
  return true;
}

// The output of msgpack's packer.
struct Text {
  std::string bytes;
  void write(const char* data, std::size_t size) { bytes.append(data, size); }
};

// The same for short messages, without heap memory.
struct ShortText {
  std::array<char, 64> bytes;
  std::size_t used = 0;
  void write(const char* data, std::size_t size) {
    HERD_ASSERT(size <= bytes.size() - used);
    std::memcpy(bytes.data() + used, data, size);
    used += size;
  }
};

// Decodes a message of the given type: calls `read` with the fields after the type. Returns an error if the bytes are
// not such a message, or if bytes are left.
template <class Read>
auto read_message(std::string_view bytes, int type, std::uint32_t fields, Read&& read)
    -> decltype(read(std::declval<const msgpack::object*>())) {
  try {
    // One zone per thread, reused for each message: a new one would allocate 8 kB each time.
    static thread_local msgpack::zone zone;
    zone.clear();
    std::size_t used = 0;
    bool stays = true;
    const msgpack::object object =
        msgpack::unpack(zone, bytes.data(), bytes.size(), used, stays, stay_in_place, nullptr, limits());
    if (used != bytes.size()) {
      return fail("trailing bytes after a places message");
    }
    if (object.type != msgpack::type::ARRAY || object.via.array.size < fields ||
        object.via.array.ptr[0].as<int>() != type) {
      return fail("not a places message of the kind expected here");
    }
    return read(object.via.array.ptr + 1);
  } catch (const std::exception&) {  // msgpack's texts name neither the field nor the fault
    return fail("a places message cannot be read");
  }
}

}  // namespace

bool is_askable(const Query& query) {
  return query.latitude >= -90 && query.latitude <= 90 && query.longitude >= -180 && query.longitude <= 180 &&
         query.radius_km >= 0 && query.radius_km <= protocol::kMaxRadiusKm && query.max >= 1 &&
         query.max <= protocol::kMaxPlaces;
}

zmq::message_t encode(const QueryMessage& message) {
  ShortText text;
  const Query& query = message.query;
  msgpack::pack(text,
                std::make_tuple(kQuery, message.ticket, query.latitude, query.longitude, query.radius_km, query.max));
  return {text.bytes.data(), text.used};
}

// Copies the document once, into a message of the final size.
zmq::message_t encode(const AnswerMessage& message, MessageBuffers& buffers) {
  const auto size = static_cast<std::uint32_t>(message.document.size());
  ShortText head;
  msgpack::packer packer(head);
  packer.pack_array(kAnswerFields).pack(kAnswer).pack(message.ticket).pack(static_cast<int>(message.status));
  packer.pack_str(size);
  zmq::message_t bytes = buffers.make(head.used + size);
  std::memcpy(bytes.data(), head.bytes.data(), head.used);
  message.document.copy(bytes.data<char>() + head.used, size);  // unlike memcpy, valid for a null data()
  return bytes;
}

zmq::message_t encode(const FiguresMessage& message) {
  Text text;
  msgpack::packer packer(text);
  packer.pack_array(kFiguresFields).pack(kFigures);
  packer.pack_array(static_cast<std::uint32_t>(message.size()));
  for (const Figures& figures : message) {
    packer.pack(pack(figures));
  }
  return zmq::message_t(text.bytes);
}

protocol::Result<QueryMessage> decode_query(std::string_view bytes) {
  return read_message(bytes, kQuery, kQueryFields, [](const msgpack::object* field) -> protocol::Result<QueryMessage> {
    const QueryMessage message{.ticket = field[0].as<Ticket>(),
                               .query = {.latitude = field[1].as<double>(),
                                         .longitude = field[2].as<double>(),
                                         .radius_km = field[3].as<double>(),
                                         .max = field[4].as<int>()}};
    if (!is_askable(message.query)) {
      return fail("a places query is out of range");
    }
    return message;
  });
}

protocol::Result<AnswerMessage> decode_answer(std::string_view bytes) {
  return read_message(bytes, kAnswer, kAnswerFields,
                      [](const msgpack::object* field) -> protocol::Result<AnswerMessage> {
                        const auto status = field[1].as<std::uint64_t>();
                        if (status >= kStatuses) {
                          return fail("a places answer has an unknown status");
                        }
                        return AnswerMessage{.ticket = field[0].as<Ticket>(),
                                             .status = static_cast<Status>(status),
                                             .document = field[2].as<std::string_view>()};
                      });
}

protocol::Result<FiguresMessage> decode_figures(std::string_view bytes) {
  return read_message(bytes, kFigures, kFiguresFields,
                      [](const msgpack::object* field) -> protocol::Result<FiguresMessage> {
                        FiguresMessage message;
                        for (auto& packed : field[0].as<std::vector<PackedFigures>>()) {
                          message.push_back(unpack(std::move(packed)));
                        }
                        return message;
                      });
}

}  // namespace herd::node::places

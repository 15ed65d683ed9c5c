// The messages between the loop and the places worker. Each is a msgpack array in one frame:
//
//   query   = [1, ticket, latitude, longitude, radius_km, max]     loop to worker
//   answer  = [2, ticket, status, document]                        worker to loop; a message may have several, a frame
//   each figures = [3, [figures of each provider]]                      worker to loop
//
// The decoders accept longer arrays, for future versions. They reject shorter arrays, other types, values out of range
// and trailing bytes. Pure, except for the buffers; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "node/places/document.hpp"
#include "node/places/figures.hpp"
#include "node/places/message_buffers.hpp"
#include "node/places/query.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// A document of 20 results with all of Google's fields has about 60 kB.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{512} * 1024;
inline constexpr std::size_t kMaxPlacesMessageBytes = kMaxDocumentBytes + 64;  // with the other fields of an answer
inline constexpr std::size_t kMaxQueryMessageBytes = 256;

struct QueryMessage {
  Ticket ticket = 0;
  Query query;
};

struct AnswerMessage {
  Ticket ticket = 0;
  Status status = Status::UnknownError;
  std::string_view document;  // at most kMaxDocumentBytes; borrowed
};

// The figures of each provider, in the order of the configuration.
using FiguresMessage = std::vector<Figures>;

// Whether all values are finite, on the earth, and within the bounds of a WHATSAT. `max` must be at least 1: a query
// for 0 places never reaches a provider.
[[nodiscard]] bool is_askable(const Query& query);

[[nodiscard]] zmq::message_t encode(const QueryMessage& message);
[[nodiscard]] zmq::message_t encode(const AnswerMessage& message, MessageBuffers& buffers);
[[nodiscard]] zmq::message_t encode(const FiguresMessage& message);

// Return an error for malformed bytes. The document of an answer is a view into `bytes`.
[[nodiscard]] protocol::Result<QueryMessage> decode_query(std::string_view bytes);
[[nodiscard]] protocol::Result<AnswerMessage> decode_answer(std::string_view bytes);
[[nodiscard]] protocol::Result<FiguresMessage> decode_figures(std::string_view bytes);

}  // namespace herd::node::places

// What the loop and the places worker say to each other, as msgpack in one frame: [1, ticket, latitude, longitude,
// radius_km, max] asks, [2, ticket, status, document] answers, and [3, figures of each provider] tells what they have
// done. Answers may come several to a message, a frame each. A longer array is accepted (room to grow), a shorter one,
// other types, values out of range and bytes behind the end are not. Pure, but for the buffers.
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

// A page of 20 results with everything Google says of a place is some 60 kB.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{512} * 1024;
inline constexpr std::size_t kMaxPlacesMessageBytes = kMaxDocumentBytes + 64;  // and the numbers around it
inline constexpr std::size_t kMaxQueryMessageBytes = 256;

struct QueryMessage {
  Ticket ticket = 0;
  Query query;
};

struct AnswerMessage {
  Ticket ticket = 0;
  Status status = Status::UnknownError;
  std::string_view document;  // at most kMaxDocumentBytes; somebody else's
};

// Of each provider, in the order of the configuration.
using FiguresMessage = std::vector<Figures>;

// Finite, on the earth, and within the bounds of a WHATSAT; max 0 is for nobody to be asked, so it is refused too.
[[nodiscard]] bool is_askable(const Query& query);

[[nodiscard]] zmq::message_t encode(const QueryMessage& message);
[[nodiscard]] zmq::message_t encode(const AnswerMessage& message, MessageBuffers& buffers);
[[nodiscard]] zmq::message_t encode(const FiguresMessage& message);

// The document of an answer stands in the bytes.
[[nodiscard]] protocol::Result<QueryMessage> decode_query(std::string_view bytes);
[[nodiscard]] protocol::Result<AnswerMessage> decode_answer(std::string_view bytes);
[[nodiscard]] protocol::Result<FiguresMessage> decode_figures(std::string_view bytes);

}  // namespace herd::node::places

// The messages between the loop and the places worker, each in one frame. Both are threads of one process, so numbers
// have the bytes that they have in memory.
//
//   query   = ticket:8 latitude:8 longitude:8 radius_km:8 max:1           loop to worker
//   answers = 1*(ticket:8 status:1 document_bytes:4 document)             worker to loop
//
// A query has the 33 bytes that libzmq stores inside a message. So it needs no heap memory, which one thread would
// allocate and the other free, and for which the two would contend. Answers that are ready together share a message for
// the same reason, and so that the loop is woken once. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <zmq.hpp>

#include "node/places/document.hpp"
#include "node/places/query.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// A document of 20 results with all of Google's fields has about 60 kB.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{512} * 1024;

struct QueryMessage {
  Ticket ticket = 0;
  Query query;
};

struct AnswerMessage {
  Ticket ticket = 0;
  Status status = Status::UnknownError;
  std::string_view document;  // at most kMaxDocumentBytes; borrowed
};

// Whether all values are finite, on the earth, and within the bounds of a WHATSAT. `max` must be at least 1: a query
// for 0 places never reaches a provider.
[[nodiscard]] bool is_askable(const Query& query);

// Precondition: is_askable(message.query).
[[nodiscard]] zmq::message_t encode(const QueryMessage& message);
[[nodiscard]] zmq::message_t encode(std::span<const AnswerMessage> answers);

// Returns an error if the size is wrong or the query is not askable.
[[nodiscard]] protocol::Result<QueryMessage> decode_query(std::string_view bytes);

// Decodes the first of the answers in `bytes` and removes it. Its document is a view into them. Returns an error if
// they are malformed, the status is unknown, or the document is too long; then the rest cannot be read either.
[[nodiscard]] protocol::Result<AnswerMessage> take_answer(std::string_view& bytes);

}  // namespace herd::node::places

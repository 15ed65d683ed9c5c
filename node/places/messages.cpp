#include "node/places/messages.hpp"

#include <cstdint>
#include <cstring>

#include "protocol/limits.hpp"

namespace herd::node::places {
namespace {

using protocol::fail;

constexpr std::size_t kQueryBytes = 33;
constexpr std::size_t kAnswerHeadBytes = 13;

// Appends to a message of the final size.
class Writer {
 public:
  explicit Writer(zmq::message_t& message) : at_(message.data<char>()) {}

  template <class Number>
  void put(Number number) {
    std::memcpy(at_, &number, sizeof number);
    at_ += sizeof number;
  }

  void put_text(std::string_view text) { at_ += text.copy(at_, text.size()); }

 private:
  char* at_;
};

// Removes a number from the front of `bytes`, which must be long enough.
template <class Number>
Number take(std::string_view& bytes) {
  Number number{};
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

}  // namespace

bool is_askable(const Query& query) {
  return query.latitude >= -90 && query.latitude <= 90 && query.longitude >= -180 && query.longitude <= 180 &&
         query.radius_km >= 0 && query.radius_km <= protocol::kMaxRadiusKm && query.max >= 1 &&
         query.max <= protocol::kMaxPlaces;
}

zmq::message_t encode(const QueryMessage& message) {
  zmq::message_t bytes(kQueryBytes);
  Writer writer(bytes);
  writer.put(message.ticket);
  writer.put(message.query.latitude);
  writer.put(message.query.longitude);
  writer.put(message.query.radius_km);
  writer.put(static_cast<std::uint8_t>(message.query.max));
  return bytes;
}

zmq::message_t encode(std::span<const AnswerMessage> answers) {
  std::size_t size = 0;
  for (const AnswerMessage& answer : answers) size += kAnswerHeadBytes + answer.document.size();
  zmq::message_t bytes(size);
  Writer writer(bytes);
  for (const AnswerMessage& answer : answers) {
    writer.put(answer.ticket);
    writer.put(answer.status);
    writer.put(static_cast<std::uint32_t>(answer.document.size()));
    writer.put_text(answer.document);
  }
  return bytes;
}

protocol::Result<QueryMessage> decode_query(std::string_view bytes) {
  if (bytes.size() != kQueryBytes) return fail("a places query has a wrong size");
  QueryMessage message;
  message.ticket = take<Ticket>(bytes);
  message.query.latitude = take<double>(bytes);
  message.query.longitude = take<double>(bytes);
  message.query.radius_km = take<double>(bytes);
  message.query.max = take<std::uint8_t>(bytes);
  if (!is_askable(message.query)) return fail("a places query is out of range");
  return message;
}

protocol::Result<AnswerMessage> take_answer(std::string_view& bytes) {
  if (bytes.size() < kAnswerHeadBytes) return fail("a places answer is cut off");
  const auto ticket = take<Ticket>(bytes);
  const auto status = take<std::uint8_t>(bytes);
  const auto size = take<std::uint32_t>(bytes);
  if (status >= kStatuses) return fail("a places answer has an unknown status");
  if (size > kMaxDocumentBytes || size > bytes.size()) return fail("the document of a places answer is too long");
  const AnswerMessage answer{ticket, static_cast<Status>(status), bytes.substr(0, size)};
  bytes.remove_prefix(size);
  return answer;
}

}  // namespace herd::node::places

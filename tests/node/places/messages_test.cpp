#include "node/places/messages.hpp"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::node::places;

namespace {

constexpr Query kQuery{.latitude = 34.06893, .longitude = -118.445127, .radius_km = 10, .max = 5};

std::string bytes_of(const QueryMessage& message) {
  return encode(message).to_string();
}

std::string bytes_of(const AnswerMessage& message) {
  return encode({&message, 1}).to_string();
}

bool is_readable(std::string_view answers) {
  return take_answer(answers).has_value();
}

}  // namespace

TEST_CASE("a query is decoded as it was encoded") {
  const auto decoded = decode_query(bytes_of(QueryMessage{77, kQuery}));
  REQUIRE(decoded);
  CHECK(decoded->ticket == 77);
  CHECK(decoded->query.latitude == 34.06893);
  CHECK(decoded->query.longitude == -118.445127);
  CHECK(decoded->query.radius_km == 10);
  CHECK(decoded->query.max == 5);
}

TEST_CASE("answers are decoded as they were encoded, in their order") {
  const std::vector<AnswerMessage> answers{{std::numeric_limits<Ticket>::max(), Status::ZeroResults, "none"},
                                           {2, Status::UnknownError, ""},
                                           {3, Status::Ok, "{}"}};
  const std::string bytes = encode(answers).to_string();
  std::string_view left = bytes;
  for (const AnswerMessage& answer : answers) {
    const auto decoded = take_answer(left);
    REQUIRE(decoded);
    CHECK(decoded->ticket == answer.ticket);
    CHECK(decoded->status == answer.status);
    CHECK(decoded->document == answer.document);
  }
  CHECK(left.empty());
}

TEST_CASE("an answer has at most the longest document") {
  const std::string longest(kMaxDocumentBytes, 'x');
  CHECK(is_readable(bytes_of(AnswerMessage{1, Status::Ok, longest})));
  CHECK_FALSE(is_readable(bytes_of(AnswerMessage{1, Status::Ok, longest + "x"})));
}

TEST_CASE("messages of a wrong size are refused") {
  const std::string query = bytes_of(QueryMessage{1, kQuery});
  for (std::size_t length = 0; length < query.size(); ++length) CHECK_FALSE(decode_query(query.substr(0, length)));
  CHECK_FALSE(decode_query(query + '\0'));
  const std::string answer = bytes_of(AnswerMessage{1, Status::Ok, "{}"});
  for (std::size_t length = 0; length < answer.size(); ++length) CHECK_FALSE(is_readable(answer.substr(0, length)));
}

TEST_CASE("a query is stored inside its message, without heap memory") {
  const zmq::message_t message = encode(QueryMessage{1, kQuery});
  const auto* const begin = reinterpret_cast<const char*>(&message);
  CHECK(std::less_equal{}(begin, message.data<char>()));
  CHECK(std::less_equal{}(message.data<char>() + message.size(), begin + sizeof message));
}

TEST_CASE("an unknown status is refused") {
  CHECK(is_readable(bytes_of(AnswerMessage{1, Status::UnknownError, ""})));
  CHECK_FALSE(is_readable(bytes_of(AnswerMessage{1, static_cast<Status>(kStatuses), ""})));
}

TEST_CASE("queries are checked on both sides of each bound") {
  const auto accepted = [](auto change) {
    Query query = kQuery;
    change(query);
    return is_askable(query) && decode_query(bytes_of(QueryMessage{1, query})).has_value();
  };
  CHECK(accepted([](Query& query) { query.latitude = -90; }));
  CHECK_FALSE(accepted([](Query& query) { query.latitude = -90.0001; }));
  CHECK_FALSE(accepted([](Query& query) { query.latitude = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK(accepted([](Query& query) { query.longitude = 180; }));
  CHECK_FALSE(accepted([](Query& query) { query.longitude = 180.0001; }));
  CHECK(accepted([](Query& query) { query.radius_km = 0; }));
  CHECK_FALSE(accepted([](Query& query) { query.radius_km = -0.1; }));
  CHECK(accepted([](Query& query) { query.radius_km = 50; }));
  CHECK_FALSE(accepted([](Query& query) { query.radius_km = 50.1; }));
  CHECK(accepted([](Query& query) { query.max = 1; }));
  CHECK_FALSE(accepted([](Query& query) { query.max = 0; }));
  CHECK(accepted([](Query& query) { query.max = 20; }));
  CHECK_FALSE(accepted([](Query& query) { query.max = 21; }));
}

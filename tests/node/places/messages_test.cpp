#include "node/places/messages.hpp"

#include <limits>
#include <string>

#include "tests/catch.hpp"

using namespace herd::node::places;

namespace {

constexpr Query kQuery{.latitude = 34.06893, .longitude = -118.445127, .radius_km = 10, .max = 5};

std::string bytes_of(const AnswerMessage& message) {
  static MessageBuffers buffers;
  return encode(message, buffers).to_string();
}

template <class Message>
std::string bytes_of(const Message& message) {
  return encode(message).to_string();
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

TEST_CASE("an answer is decoded as it was encoded, up to the longest document") {
  const std::string longest(kMaxDocumentBytes, 'x');
  const std::string bytes = bytes_of(AnswerMessage{std::numeric_limits<Ticket>::max(), Status::ZeroResults, longest});
  CHECK(bytes.size() <= kMaxPlacesMessageBytes);
  const auto decoded = decode_answer(bytes);
  REQUIRE(decoded);
  CHECK(decoded->ticket == std::numeric_limits<Ticket>::max());
  CHECK(decoded->status == Status::ZeroResults);
  CHECK(decoded->document == longest);
  CHECK_FALSE(decode_answer(bytes_of(AnswerMessage{1, Status::Ok, longest + "x"})));
}

TEST_CASE("a query message fits its bound") {
  const Query odd{.latitude = -89.123456789, .longitude = 179.123456789, .radius_km = 0.123456789, .max = 20};
  CHECK(bytes_of(QueryMessage{std::numeric_limits<Ticket>::max(), odd}).size() <= kMaxQueryMessageBytes);
}

TEST_CASE("malformed messages are refused") {
  const std::string query = bytes_of(QueryMessage{1, kQuery});
  const std::string answer = bytes_of(AnswerMessage{1, Status::Ok, "{}"});
  CHECK_FALSE(decode_query(""));
  CHECK_FALSE(decode_query("\xC1"));
  CHECK_FALSE(decode_query("\x01"));
  CHECK_FALSE(decode_query("\x90"));
  CHECK_FALSE(decode_query(answer));
  CHECK_FALSE(decode_answer(query));
  for (std::size_t length = 0; length < query.size(); ++length) {
    CHECK_FALSE(decode_query(query.substr(0, length)));
  }
  for (std::size_t length = 0; length < answer.size(); ++length) {
    CHECK_FALSE(decode_answer(answer.substr(0, length)));
  }
  CHECK_FALSE(decode_query(query + '\0'));
  CHECK_FALSE(decode_answer(answer + '\0'));
}

TEST_CASE("an array that announces gigabytes is refused without an allocation") {
  CHECK_FALSE(decode_query(std::string_view("\xDD\xFF\xFF\xFF\xFF", 5)));
  CHECK_FALSE(decode_answer(std::string_view("\xDB\xFF\xFF\xFF\xFF", 5)));
  CHECK_FALSE(decode_query(std::string(100'000, '\x91')));
}

TEST_CASE("a longer array is accepted, a shorter one is not") {
  std::string longer = bytes_of(AnswerMessage{1, Status::Ok, "{}"});
  longer[0] = '\x95';
  CHECK(decode_answer(longer + '\x07'));
  std::string shorter = bytes_of(AnswerMessage{1, Status::Ok, "{}"});
  shorter[0] = '\x93';
  CHECK_FALSE(decode_answer(shorter.substr(0, shorter.size() - 3)));
}

TEST_CASE("an unknown status is refused") {
  CHECK(decode_answer(bytes_of(AnswerMessage{1, Status::UnknownError, ""})));
  CHECK_FALSE(decode_answer(bytes_of(AnswerMessage{1, static_cast<Status>(kStatuses), ""})));
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

TEST_CASE("figures are decoded as they were encoded") {
  Figures figures;
  figures.provider = "google";
  figures.state = ProviderState::Resting;
  figures.trouble = "it is broken";
  figures.count_request(Status::UnknownError);
  figures.count_latency(std::chrono::milliseconds(30));
  figures.hits = 1;
  figures.misses = 2;
  figures.shared = 3;
  figures.stale = 4;
  figures.cached = 5;
  figures.cached_bytes = std::numeric_limits<std::uint64_t>::max();
  const FiguresMessage message{figures, Figures{}};
  const std::string bytes = bytes_of(message);
  const auto decoded = decode_figures(bytes);
  REQUIRE(decoded);
  CHECK(*decoded == message);
  CHECK(decode_figures(bytes_of(FiguresMessage{}))->empty());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(decode_figures(bytes.substr(0, length)));
  }
  CHECK_FALSE(decode_figures(bytes + '\0'));
  CHECK_FALSE(decode_figures(bytes_of(AnswerMessage{1, Status::Ok, "{}"})));
}

TEST_CASE("an unknown state of a provider is refused") {
  Figures figures;
  figures.state = static_cast<ProviderState>(kProviderStates);
  CHECK_FALSE(decode_figures(bytes_of(FiguresMessage{figures})));
}

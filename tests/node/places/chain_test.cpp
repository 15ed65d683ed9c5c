#include "node/places/chain.hpp"

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/node/places/fake_provider.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;
using testing::providers_of;
using testing::script;

namespace {

constexpr Query kQuery{.latitude = 1, .longitude = 2, .radius_km = 3, .max = 4};

Now at(Nanoseconds steady) {
  return {steady, 0ns};
}

std::shared_ptr<testing::FakeScript> failing(Status status, std::string trouble) {
  auto made = script(status);
  made->trouble = std::move(trouble);
  return made;
}

std::shared_ptr<testing::FakeScript> at_once(std::shared_ptr<testing::FakeScript> made) {
  made->at_once = true;
  return made;
}

}  // namespace

TEST_CASE("the first provider that answers ends the chain") {
  const auto first = script(Status::Ok, "first");
  const auto second = script(Status::Ok, "second");
  Chain chain(providers_of({first, second}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(0s));
  REQUIRE(result);
  CHECK(result->lookup == 1);
  CHECK(result->document == "first");
  CHECK(second->asked.empty());
  CHECK_FALSE(chain.poll(at(0s)));
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("an immediate result is returned by ask() and not by poll()") {
  const auto denied = at_once(failing(Status::RequestDenied, "no key"));
  Chain chain(providers_of({denied, at_once(script(Status::Ok, R"({"name":"good"})"))}), 8s);
  const auto result = chain.ask(1, kQuery, at(0s));
  REQUIRE(result);
  CHECK(result->lookup == 1);
  CHECK(result->status == Status::Ok);
  CHECK(result->document == R"({"name":"good","info_messages":["no key"]})");
  CHECK_FALSE(chain.poll(at(0s)));
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("if all providers fail at once, the failure is returned at once") {
  Chain chain(providers_of({at_once(failing(Status::RequestDenied, "no key"))}), 8s);
  const auto result = chain.ask(1, kQuery, at(0s));
  REQUIRE(result);
  CHECK(result->status == Status::RequestDenied);
  CHECK(result->document.find("no key") != std::string::npos);
  CHECK_FALSE(chain.poll(at(0s)));
}

TEST_CASE("an immediate answer finishes a lookup that an earlier provider has failed later") {
  const auto slow = failing(Status::UnknownError, "broken");
  Chain chain(providers_of({slow, at_once(script(Status::Ok, R"({"name":"good"})"))}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(0s));
  REQUIRE(result);
  CHECK(result->document == R"({"name":"good","info_messages":["broken"]})");
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("an immediate answer finishes a lookup that an earlier provider has let time out") {
  const auto hangs = script(std::nullopt);
  Chain chain(providers_of({hangs, at_once(script(Status::Ok, R"({"name":"good"})"))}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(7s));
  REQUIRE(result);
  CHECK(result->document.starts_with(R"({"name":"good","info_messages":)"));
  CHECK(hangs->forgotten == std::vector<LookupId>{1});
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("lookups that end at once do not count as in progress") {
  Chain chain(providers_of({at_once(script(Status::Ok, "{}"))}), 8s);
  for (LookupId lookup = 1; lookup <= Chain::kMaxLookups + 1; ++lookup) {
    CHECK(chain.ask(lookup, kQuery, at(0s))->status == Status::Ok);
  }
}

TEST_CASE("an empty result is an answer as well") {
  const auto second = script(Status::Ok);
  Chain chain(providers_of({script(Status::ZeroResults, "none"), second}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  CHECK(chain.poll(at(0s))->document == "none");
  CHECK(second->asked.empty());
}

TEST_CASE("a lookup moves to the next provider as soon as one fails") {
  const auto failed =
      GENERATE(Status::OverQueryLimit, Status::RequestDenied, Status::InvalidRequest, Status::UnknownError);
  Chain chain(providers_of({script(failed), script(Status::Ok, R"({"name":"good"})")}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(0s));
  REQUIRE(result);
  CHECK(result->status == Status::Ok);
  CHECK(result->document == R"({"name":"good","info_messages":["it does not work"]})");
}

TEST_CASE("if all providers fail, the result is the failure of the first") {
  Chain chain(providers_of({failing(Status::RequestDenied, "no key"), failing(Status::UnknownError, "broken")}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(0s));
  REQUIRE(result);
  CHECK(result->status == Status::RequestDenied);
  CHECK(result->document == R"({"html_attributions":[],"results":[],"status":"REQUEST_DENIED",)"
                            R"("error_message":"no key","info_messages":["broken"]})");
  CHECK_FALSE(chain.poll(at(0s)));
}

TEST_CASE("a provider that hangs leaves an eighth of the time to each later one") {
  const auto hangs = script(std::nullopt);
  Chain chain(providers_of({hangs, script(Status::Ok, R"({"name":"good"})")}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(100s)));
  CHECK(hangs->deadlines == std::vector<Nanoseconds>{107s});
  CHECK(chain.next_deadline() == Nanoseconds(107s));
  CHECK_FALSE(chain.poll(at(107s - 1ns)));
  const auto result = chain.poll(at(107s));
  REQUIRE(result);
  CHECK(result->document.starts_with(R"({"name":"good","info_messages":)"));
  CHECK(hangs->forgotten == std::vector<LookupId>{1});
}

TEST_CASE("the timeout covers the whole chain") {
  Chain chain(providers_of({script(std::nullopt), script(std::nullopt)}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(100s)));
  CHECK_FALSE(chain.poll(at(107s)));
  CHECK(chain.next_deadline() == Nanoseconds(108s));
  CHECK_FALSE(chain.poll(at(108s - 1ns)));
  const auto result = chain.poll(at(108s));
  REQUIRE(result);
  CHECK(result->status == Status::UnknownError);
  CHECK(result->document.find("did not answer in time") != std::string::npos);
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("after the deadline of a lookup that has ended, the next deadline is one of a lookup in progress") {
  const auto slow = script(std::nullopt);
  Chain chain(providers_of({slow}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(100s)));
  CHECK_FALSE(chain.ask(2, kQuery, at(101s)));
  slow->to_find.push_back({1, Status::Ok, "{}"});
  CHECK(chain.poll(at(102s))->lookup == 1);
  CHECK(chain.next_deadline() <= Nanoseconds(109s));
  CHECK_FALSE(chain.poll(at(108s)));
  CHECK(chain.next_deadline() == Nanoseconds(109s));
  CHECK(chain.poll(at(109s))->lookup == 2);
  CHECK_FALSE(chain.next_deadline());
}

TEST_CASE("an answer lists the failures before it") {
  const auto broken = failing(Status::UnknownError, "the first is broken");
  const auto hangs = script(std::nullopt);
  Chain chain(providers_of({broken, hangs, script(Status::Ok, R"({"status":"OK"})")}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  CHECK_FALSE(chain.poll(at(0s)));
  const auto result = chain.poll(at(7s));
  REQUIRE(result);
  CHECK(result->document == R"({"status":"OK","info_messages":["the first is broken",)"
                            R"("the places provider fake did not answer in time: ask again later"]})");
}

TEST_CASE("if all providers fail, a stale answer is returned with its age") {
  const auto first = script(Status::UnknownError);
  first->trouble = "broken";
  first->stale = Stale{Status::Ok, R"({"status":"OK"})", "75 s old"};
  Chain chain(providers_of({first, script(Status::RequestDenied)}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  const auto result = chain.poll(at(0s));
  REQUIRE(result);
  CHECK(result->status == Status::Ok);
  CHECK(result->document == R"({"status":"OK","info_messages":["broken","it does not work","75 s old"]})");
}

TEST_CASE("a stale answer never replaces the answer of another provider") {
  const auto first = script(Status::UnknownError);
  first->stale = Stale{Status::Ok, R"({"status":"OK"})", "75 s old"};
  Chain chain(providers_of({first, script(Status::ZeroResults, R"({"name":"good"})")}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  CHECK(chain.poll(at(0s))->document == R"({"name":"good","info_messages":["it does not work"]})");
}

TEST_CASE("a result that arrives after the lookup has timed out is dropped") {
  const auto slow = script(std::nullopt);
  const auto also_slow = script(std::nullopt);
  Chain chain(providers_of({slow, also_slow}), 8s);
  CHECK_FALSE(chain.ask(1, kQuery, at(0s)));
  CHECK_FALSE(chain.poll(at(7s)));
  slow->to_find.push_back({1, Status::Ok, "late"});
  CHECK_FALSE(chain.poll(at(7s)));
  also_slow->to_find.push_back({1, Status::Ok, R"({"name":"in time"})"});
  CHECK(chain.poll(at(7s))->document.starts_with(R"({"name":"in time")"));
}

TEST_CASE("without providers every lookup fails at once, with a message that names the log") {
  Chain chain({}, 8s);
  const auto result = chain.ask(1, kQuery, at(0s));
  REQUIRE(result);
  CHECK(result->status == Status::UnknownError);
  CHECK(result->document.find("log") != std::string::npos);
}

TEST_CASE("the number of lookups in progress is bounded, and one too many is refused at once") {
  const auto hangs = script(std::nullopt);
  Chain chain(providers_of({hangs}), 8s);
  for (LookupId lookup = 1; lookup <= Chain::kMaxLookups; ++lookup) {
    CHECK_FALSE(chain.ask(lookup, kQuery, at(0s)));
  }
  CHECK_FALSE(chain.poll(at(0s)));
  const auto refused = chain.ask(Chain::kMaxLookups + 1, kQuery, at(0s));
  REQUIRE(refused);
  CHECK(refused->lookup == Chain::kMaxLookups + 1);
  CHECK(refused->status == Status::OverQueryLimit);
  CHECK(hangs->asked.size() == Chain::kMaxLookups);
}

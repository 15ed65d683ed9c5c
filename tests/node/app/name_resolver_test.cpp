#include "node/app/name_resolver.hpp"

#include <poll.h>

#include <mutex>
#include <thread>

#include "tests/catch.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;

// Answers names that begin with "frozen" only after release().
class FakeLookups {
 public:
  [[nodiscard]] HostLookup::Function function() const {
    return [state = state_](const std::string& host) -> HostAddresses {
      ++state->begun;
      while (host.starts_with("frozen") && !state->released) std::this_thread::sleep_for(1ms);
      if (host == "unknown") return {{}, "it is unknown"};
      return {{"192.0.2.1", "2001:db8::1"}, {}};
    };
  }
  void release() { state_->released = true; }
  [[nodiscard]] int begun() const { return state_->begun; }

 private:
  struct State {
    std::atomic<bool> released = false;
    std::atomic<int> begun = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

bool is_readable(const NameResolver& resolver, int wait_ms) {
  pollfd polled{resolver.descriptor(), POLLIN, 0};
  return poll(&polled, 1, wait_ms) == 1;
}

TEST_CASE("an answer wakes the loop, and comes once") {
  const FakeLookups lookups;
  NameResolver resolver(lookups.function());
  CHECK_FALSE(resolver.take_answer());
  resolver.ask("known");
  REQUIRE(is_readable(resolver, 10'000));
  std::optional<bus::HostAnswer> answer;
  REQUIRE(wait_until([&] { return (answer = resolver.take_answer()).has_value(); }));
  CHECK(answer->host == "known");
  CHECK(answer->addresses == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(answer->trouble.empty());
  CHECK_FALSE(resolver.take_answer());
  CHECK_FALSE(is_readable(resolver, 0));
  CHECK(resolver.under_way() == 0);
}

TEST_CASE("the answer to a lookup that fails has the reason") {
  const FakeLookups lookups;
  NameResolver resolver(lookups.function());
  resolver.ask("unknown");
  std::optional<bus::HostAnswer> answer;
  REQUIRE(wait_until([&] { return (answer = resolver.take_answer()).has_value(); }));
  CHECK(answer->addresses.empty());
  CHECK(answer->trouble == "it is unknown");
}

TEST_CASE("a frozen lookup delays no other, is not begun twice, and ends at last") {
  FakeLookups lookups;
  NameResolver resolver(lookups.function());
  for (int i = 0; i < 10; ++i) resolver.ask("frozen");
  resolver.ask("known");
  std::optional<bus::HostAnswer> answer;
  REQUIRE(wait_until([&] { return (answer = resolver.take_answer()).has_value(); }));
  CHECK(answer->host == "known");
  CHECK(resolver.under_way() == 1);
  CHECK(wait_until([&] { return lookups.begun() == 2; }));
  lookups.release();
  REQUIRE(wait_until([&] { return (answer = resolver.take_answer()).has_value(); }));
  CHECK(answer->host == "frozen");
  CHECK(lookups.begun() == 2);
}

TEST_CASE("frozen lookups do not delay the end of the resolver, and may end after it") {
  FakeLookups lookups;
  const auto begin = std::chrono::steady_clock::now();
  {
    NameResolver resolver(lookups.function());
    resolver.ask("frozen1");
    resolver.ask("frozen2");
  }
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(wait_until([&] { return lookups.begun() == 2; }));
  lookups.release();
}

TEST_CASE("no answer is lost when many lookups end at once") {
  const FakeLookups lookups;
  NameResolver resolver(lookups.function());
  for (int i = 0; i < 50; ++i) resolver.ask("host" + std::to_string(i));
  int answers = 0;
  // As the loop does: waits for the descriptor, then takes all answers.
  while (answers < 50 && is_readable(resolver, 10'000)) {
    while (resolver.take_answer()) ++answers;
  }
  CHECK(answers == 50);
}

}  // namespace
}  // namespace herd::node

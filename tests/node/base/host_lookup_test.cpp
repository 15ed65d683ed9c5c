#include "node/base/host_lookup.hpp"

#include <algorithm>
#include <thread>

#include "tests/catch.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;

TEST_CASE("localhost has loopback addresses, each of them once") {
  const HostAddresses found = look_up_host("localhost");
  CHECK(found.trouble.empty());
  REQUIRE_FALSE(found.addresses.empty());
  for (const std::string& address : found.addresses) {
    CHECK((address == "::1" || address.starts_with("127.")));
    CHECK(std::count(found.addresses.begin(), found.addresses.end(), address) == 1);
  }
}

TEST_CASE("an unknown name has no addresses, and a reason") {
  const HostAddresses found = look_up_host("no-such-name.invalid");
  CHECK(found.addresses.empty());
  CHECK_FALSE(found.trouble.empty());
}

TEST_CASE("a link-local address is left out, because it is not valid without an interface") {
  CHECK(look_up_host("fe80::1").addresses.empty());
  CHECK(look_up_host("2001:db8::1").addresses == std::vector<std::string>{"2001:db8::1"});
}

TEST_CASE("several names are looked up at once, and those without an answer in time are left out") {
  const auto may_end = std::make_shared<std::atomic<bool>>(false);
  const auto look_up = [may_end](const std::string& host) -> HostAddresses {
    if (host == "unknown") return {{}, "it is unknown"};
    while (host.starts_with("frozen") && !*may_end) std::this_thread::sleep_for(1ms);
    return {{"192.0.2.1"}, {}};
  };
  const auto begin = std::chrono::steady_clock::now();
  const auto found = look_up_hosts({"frozen1", "known", "frozen2", "unknown"}, 100ms, look_up);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(found == std::map<std::string, std::vector<std::string>>{{"known", {"192.0.2.1"}}, {"unknown", {}}});
  *may_end = true;
  CHECK(look_up_hosts({"frozen1"}, 10s, look_up).size() == 1);
  CHECK(look_up_hosts({}, 10s, look_up).empty());
}

TEST_CASE("a lookup that never ends does not delay the end of its object") {
  const auto may_end = std::make_shared<std::atomic<bool>>(false);
  const auto has_ended = std::make_shared<std::atomic<bool>>(false);
  const auto begin = std::chrono::steady_clock::now();
  {
    const HostLookup lookup(
        "frozen",
        [may_end](const std::string&) -> HostAddresses {
          while (!*may_end) std::this_thread::sleep_for(1ms);
          return {};
        },
        [has_ended] { *has_ended = true; });
    CHECK_FALSE(lookup.is_done());
  }
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  *may_end = true;
  CHECK(wait_until([&] { return has_ended->load(); }));
}

}  // namespace
}  // namespace herd::node

#include "node/clients/counters.hpp"

#include <set>
#include <string_view>

#include "tests/catch.hpp"

using herd::node::Counters;

TEST_CASE("every counter is listed once with its own name") {
  Counters counters;
  counters.iamat_stored = 1;
  counters.bytes_out = 2;
  const auto list = counters.list();
  std::set<std::string_view> names;
  for (const auto& [name, value] : list) {
    names.insert(name);
    CHECK(value == (name == "iamat_stored" ? 1U : name == "bytes_out" ? 2U : 0U));
  }
  CHECK(names.size() == list.size());
  CHECK(list.size() * sizeof(std::uint64_t) == sizeof(Counters));
}

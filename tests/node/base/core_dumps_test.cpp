#include "node/base/core_dumps.hpp"

#include <fstream>
#include <string>

#include "tests/catch.hpp"

using namespace herd::node;

namespace {

std::string coredump_filter() {
  std::ifstream file("/proc/self/coredump_filter");
  std::string filter;
  file >> filter;
  return filter;
}

}  // namespace

TEST_CASE("core dumps contain no kind of mapping") {
  const std::string before = coredump_filter();
  REQUIRE(before.find_first_not_of('0') != std::string::npos);
  CHECK(leave_memory_out_of_core_dumps());
  CHECK(coredump_filter().find_first_not_of('0') == std::string::npos);
  std::ofstream("/proc/self/coredump_filter") << "0x" << before;
  CHECK(coredump_filter() == before);
}

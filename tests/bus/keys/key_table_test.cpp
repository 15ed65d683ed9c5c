#include "bus/keys/key_table.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;
using Keys = std::vector<std::string>;

namespace {

const KeyTable kTable({{},
                       {{"Hill", {"h1", "h2"}}, {"Smith", {"s1"}}, {"Jaquez", {"gone"}}, {"Twin", {"s1"}}},
                       {"gone"}});

}  // namespace

TEST_CASE("a key of a node is known, another one unknown, and a revoked one is refused even if a node has it") {
  CHECK(kTable.judge("h1") == Admission::Known);
  CHECK(kTable.judge("h2") == Admission::Known);
  CHECK(kTable.judge("s1") == Admission::Known);
  CHECK(kTable.judge("x") == Admission::Unknown);
  CHECK(kTable.judge("") == Admission::Unknown);
  CHECK(kTable.judge("gone") == Admission::Revoked);
}

TEST_CASE("a key belongs to one node") {
  CHECK(kTable.name_of("h2") == "Hill");
  CHECK(kTable.name_of("s1") == "Smith");
  CHECK_FALSE(kTable.name_of("x"));
  CHECK_FALSE(kTable.name_of("gone"));
}

TEST_CASE("the valid keys of a node come in their order, without the revoked ones") {
  CHECK(kTable.keys_of("Hill") == Keys{"h1", "h2"});
  CHECK(kTable.keys_of("Jaquez").empty());
  CHECK(kTable.keys_of("Twin").empty());
  CHECK(kTable.keys_of("Unknown").empty());
}

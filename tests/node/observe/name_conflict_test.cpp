#include "node/observe/name_conflict.hpp"

#include "tests/catch.hpp"

namespace herd::node {
namespace {

using bus::NameConflict;
using Role = NameConflict::Role;

const bus::Claimant kHolder{0xabc, "tcp://192.0.2.1:12240", "192.0.2.1"};
const bus::Claimant kOther{0xdef, "tcp://192.0.2.7:12240", "192.0.2.7"};

TEST_CASE("each role describes the other process, its address, and what to do") {
  CHECK(sentence_of({Role::Witness, "Hill", kHolder, kOther}, "Smith") ==
        "two processes are named Hill: the link stays with tcp://192.0.2.1:12240 (connected from 192.0.2.1, "
        "incarnation 0000000000000abc); tcp://192.0.2.7:12240 (connected from 192.0.2.7, incarnation "
        "0000000000000def) is refused: stop one of the two");
  CHECK(sentence_of({Role::Kept, "Smith", {}, kOther}, "Hill") ==
        "another process claims the name Hill, at tcp://192.0.2.7:12240 (connected from 192.0.2.7, incarnation "
        "0000000000000def); Smith refuses it: stop it or give it another name");
  CHECK(sentence_of({Role::Refused, "Smith", {}, kHolder}, "Hill") ==
        "another process named Hill is linked with Smith, at tcp://192.0.2.1:12240 (connected from 192.0.2.1, "
        "incarnation 0000000000000abc): stop one of the two, or give this one another name; until then it is not "
        "ready and acknowledges nothing");
}

TEST_CASE("each role reports the end of the conflict") {
  CHECK(sentence_of({Role::Witness, "Hill", kHolder, kOther, true}, "Smith") == "only one process is named Hill again");
  CHECK(sentence_of({Role::Kept, "Smith", {}, kOther, true}, "Hill") ==
        "no other process claims the name Hill any more");
  CHECK(sentence_of({Role::Refused, "Smith", {}, kHolder, true}, "Hill") ==
        "no peer refuses this process as Hill any more");
}

TEST_CASE("an unknown address, host or incarnation is reported as unknown") {
  CHECK(describe({0x1, "", ""}) == "an unknown address (connected from an unknown host, incarnation 0000000000000001)");
}

TEST_CASE("a refused process names the conflict as the reason why it is not ready") {
  CHECK(refused_sentence({"Smith", false, kHolder}, "Hill") ==
        "another process named Hill is linked with Smith, at tcp://192.0.2.1:12240 (connected from 192.0.2.1, "
        "incarnation 0000000000000abc): stop one of the two, or give this one another name");
}

}  // namespace
}  // namespace herd::node

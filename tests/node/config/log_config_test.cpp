// The keys of [log] that tests/node/config/config_test.cpp does not have.
#include <string>

#include "node/config/config.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;

namespace {

auto load(const ScratchDir& scratch, const std::string& keys) {
  return load_config(
      scratch.write("[log]\n" + keys +
                    "\n[[node]]\nname = \"Hill\"\nclients = \"127.0.0.1:12140\"\nbus = \"tcp://127.0.0.1:12240\"\n"));
}

}  // namespace

TEST_CASE("the log is text or JSON, and text without the key") {
  const ScratchDir scratch;
  CHECK(load(scratch, "")->log.format == LogFormat::Text);
  CHECK(load(scratch, "format = \"text\"")->log.format == LogFormat::Text);
  CHECK(load(scratch, "format = \"json\"")->log.format == LogFormat::Json);
  for (const std::string wrong : {"\"xml\"", "\"JSON\"", "\"\""}) {
    const auto config = load(scratch, "format = " + wrong);
    REQUIRE_FALSE(config);
    CHECK(config.error().message.find("2: [log] `format` is " + wrong) != std::string::npos);
    CHECK(config.error().message.ends_with("write one of \"text\", \"json\""));
  }
  CHECK_FALSE(load(scratch, "format = true"));
}

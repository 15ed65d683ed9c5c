#include "node/places/api_key.hpp"

#include <sys/stat.h>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"

using namespace herd::node;
using namespace herd::node::places;

namespace {

const std::string kText = "AIzaSy-secret_0123+/=";

std::filesystem::path file_with(const ScratchDir& scratch, const std::string& text, mode_t mode = 0600) {
  auto file = scratch.write(text, "key");
  chmod(file.c_str(), mode);
  return file;
}

}  // namespace

TEST_CASE("a key has 8 to 512 letters, digits and signs of a short list") {
  CHECK(ApiKey::parse("abcdefg8"));
  CHECK_FALSE(ApiKey::parse("abcdef7"));
  CHECK_FALSE(ApiKey::parse(""));
  CHECK(ApiKey::parse(std::string(ApiKey::kMaxBytes, 'k')));
  CHECK_FALSE(ApiKey::parse(std::string(ApiKey::kMaxBytes + 1, 'k')));
  CHECK(ApiKey::parse(kText)->text() == kText);
  for (const std::string odd : {" ", "\n", "\r\nX: 1", "\"", "\\", "{", ":", ",", "\x7F", "\xC3\xA4", "%"}) {
    INFO(odd);
    CHECK_FALSE(ApiKey::parse("abcdefgh" + odd));
  }
  CHECK_FALSE(ApiKey::parse("0123456789"));
}

TEST_CASE("the error for an invalid key does not contain the text") {
  CHECK(ApiKey::parse("secret with blanks").error().message.find("secret") == std::string::npos);
}

TEST_CASE("every occurrence of a key in a text is redacted, plain and percent-encoded") {
  const auto key = ApiKey::parse(kText);
  std::string text = kText + " and " + key->percent_encoded() + " and " + kText;
  CHECK(key->percent_encoded() == "AIzaSy-secret_0123%2B%2F%3D");
  key->redact(text);
  CHECK(text == "[key] and [key] and [key]");
  std::string other = "nothing";
  ApiKey().redact(other);
  CHECK(other == "nothing");
}

TEST_CASE("the key of the environment has precedence over the file's") {
  const ScratchDir scratch;
  const auto file = file_with(scratch, "from-the-file\n");
  const ScopedVariable set("HERD_TEST_KEY", "from-the-environment");
  CHECK(find_key({"HERD_TEST_KEY", file}).key.text() == "from-the-environment");
  const ScopedVariable empty("HERD_TEST_KEY", "");
  CHECK(find_key({"HERD_TEST_KEY", file}).key.text() == "from-the-file");
  const ScopedVariable unset("HERD_TEST_KEY", std::nullopt);
  CHECK(find_key({"HERD_TEST_KEY", file}).key.text() == "from-the-file");
}

TEST_CASE("without a key the advice names the variable and the fault of its value") {
  const ScopedVariable unset("HERD_TEST_KEY", std::nullopt);
  const auto none = find_key({"HERD_TEST_KEY", ""});
  CHECK(none.key.empty());
  CHECK(none.advice.find("HERD_TEST_KEY") != std::string::npos);
  const ScopedVariable bad("HERD_TEST_KEY", "my secret");
  const auto refused = find_key({"HERD_TEST_KEY", ""});
  CHECK(refused.key.empty());
  CHECK(refused.advice.find("HERD_TEST_KEY") != std::string::npos);
  CHECK(refused.advice.find("secret") == std::string::npos);
}

TEST_CASE("a key file is read only if no user but its owner may access it") {
  const ScratchDir scratch;
  for (const mode_t mode : {0600U, 0400U}) {
    CHECK(read_key_file(file_with(scratch, "  " + kText + " \r\nsecond line", mode))->text() == kText);
  }
  for (const mode_t mode : {0640U, 0620U, 0604U, 0602U, 0644U, 0666U, 0610U}) {
    const auto refused = read_key_file(file_with(scratch, kText, mode));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("chmod 600") != std::string::npos);
  }
}

TEST_CASE("a file without a valid key is refused with the reason") {
  const ScratchDir scratch;
  CHECK(read_key_file(scratch.path() / "none").error().message.find("cannot be read (No such file") == 0);
  CHECK(read_key_file(scratch.path()).error().message == "is not a regular file");
  CHECK_FALSE(read_key_file(file_with(scratch, "")));
  CHECK_FALSE(read_key_file(file_with(scratch, std::string(10'000, 'k'))));
  const auto pipe = scratch.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_key_file(pipe).error().message == "is not a regular file");
}

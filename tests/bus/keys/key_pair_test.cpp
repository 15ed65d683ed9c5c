#include "bus/keys/key_pair.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;

TEST_CASE("a new key pair has two keys that belong together, and each draw has others") {
  const KeyPair one = make_key_pair();
  const KeyPair other = make_key_pair();
  CHECK(is_key(one.public_key));
  CHECK(is_key(one.secret_key));
  CHECK(public_key_of(one.secret_key) == one.public_key);
  CHECK(one.public_key != other.public_key);
  CHECK(one.secret_key != other.secret_key);
}

TEST_CASE("a key has 40 characters of Z85") {
  const std::string good(kKeyLength, '0');
  CHECK(is_key(good));
  CHECK_FALSE(is_key(""));
  CHECK_FALSE(is_key(good.substr(1)));
  CHECK_FALSE(is_key(good + "0"));
  CHECK_FALSE(is_key(good + "00000"));
  for (const char wrong : {' ', '"', '\'', '\\', ',', ';', '_', '`', '|', '~', '\x7f', '\xff', '\0'}) {
    std::string text = good;
    text[5] = wrong;
    INFO("byte " << static_cast<int>(static_cast<unsigned char>(wrong)));
    CHECK_FALSE(is_key(text));
    CHECK_FALSE(public_key_of(text));
  }
}

TEST_CASE("a group of five characters that is 2^32 or more is not a key") {
  std::string text(kKeyLength, '0');
  text.replace(0, 5, "%nSc0");  // 2^32 - 1
  CHECK(is_key(text));
  text.replace(0, 5, "%nSc1");
  CHECK_FALSE(is_key(text));
}

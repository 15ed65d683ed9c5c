#include "bus/zmq/checksum.hpp"

#include <string>

#include "tests/catch.hpp"

using herd::bus::Checksum;
using herd::bus::checksum_of;

namespace {

std::string hex(const Checksum& checksum) {
  std::string text;
  for (const char byte : checksum) {
    for (const int shift : {4, 0}) text += "0123456789abcdef"[(static_cast<unsigned char>(byte) >> shift) & 0xF];
  }
  return text;
}

}  // namespace

TEST_CASE("a checksum has the same value on every machine") {
  CHECK(hex(checksum_of("", std::nullopt)) == "c294d3380580062d");
  CHECK(hex(checksum_of("header", std::nullopt)) == "f72cc5a41a26e364");
  CHECK(hex(checksum_of("header", "body")) == "def730be2e74cf21");
}

TEST_CASE("a checksum detects each flipped bit, a missing body and bytes moved from one frame to the other") {
  const std::string header = "header";
  const std::string body = "a body that is somewhat longer than the header";
  const Checksum right = checksum_of(header, body);
  for (std::size_t bit = 0; bit < 8 * (header.size() + body.size()); ++bit) {
    std::string one = header;
    std::string two = body;
    char& byte = bit / 8 < one.size() ? one[bit / 8] : two[bit / 8 - one.size()];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    REQUIRE(checksum_of(one, two) != right);
  }
  CHECK(checksum_of(header, std::nullopt) != right);
  CHECK(checksum_of(header, "") != checksum_of(header, std::nullopt));
  CHECK(checksum_of(header + body, "") != right);
  CHECK(checksum_of(body, header) != right);
}

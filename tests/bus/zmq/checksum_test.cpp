#include "bus/zmq/checksum.hpp"

#include <string>

#include "tests/catch.hpp"

using herd::bus::Check;
using herd::bus::check_of;

namespace {

std::string hex(const Check& check) {
  std::string text;
  for (const char byte : check) {
    for (const int shift : {4, 0}) text += "0123456789abcdef"[(static_cast<unsigned char>(byte) >> shift) & 0xF];
  }
  return text;
}

}  // namespace

TEST_CASE("a check is this number on every machine") {
  CHECK(hex(check_of("", std::nullopt)) == "c294d3380580062d");
  CHECK(hex(check_of("header", std::nullopt)) == "f72cc5a41a26e364");
  CHECK(hex(check_of("header", "body")) == "def730be2e74cf21");
}

TEST_CASE("a check tells every turned bit, a missing body and what was moved from one frame to the other") {
  const std::string header = "header";
  const std::string body = "a body that is somewhat longer than the header";
  const Check right = check_of(header, body);
  for (std::size_t bit = 0; bit < 8 * (header.size() + body.size()); ++bit) {
    std::string one = header;
    std::string two = body;
    char& byte = bit / 8 < one.size() ? one[bit / 8] : two[bit / 8 - one.size()];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    REQUIRE(check_of(one, two) != right);
  }
  CHECK(check_of(header, std::nullopt) != right);
  CHECK(check_of(header, "") != check_of(header, std::nullopt));
  CHECK(check_of(header + body, "") != right);
  CHECK(check_of(body, header) != right);
}

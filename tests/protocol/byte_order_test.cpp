#include "protocol/byte_order.hpp"

#include <array>
#include <cstdint>
#include <string_view>

#include "tests/catch.hpp"

using namespace herd::protocol;

TEST_CASE("the lowest byte of a number comes first, and only the bytes of its width are used") {
  std::array<char, 16> bytes;
  bytes.fill('x');
  CHECK(put_number(bytes.data(), 0x0807060504030201, 8) == bytes.data() + 8);
  CHECK(std::string_view(bytes.data(), 9) == "\x01\x02\x03\x04\x05\x06\x07\x08x");
  CHECK(put_number(bytes.data(), 0x0102, 2) == bytes.data() + 2);
  CHECK(std::string_view(bytes.data(), 2) == "\x02\x01");
}

TEST_CASE("a whole number is written and read in either order") {
  std::array<char, 8> bytes;
  bytes.fill('x');
  CHECK(put_little_endian(bytes.data(), std::uint32_t{0x04030201}) == bytes.data() + 4);
  CHECK(std::string_view(bytes.data(), 5) == "\x01\x02\x03\x04x");
  CHECK(little_endian_at<std::uint32_t>(bytes.data()) == 0x04030201);
  CHECK(big_endian_at<std::uint32_t>(bytes.data()) == 0x01020304);
  CHECK(put_big_endian(bytes.data(), std::uint64_t{0x0102030405060788}) == bytes.data() + 8);
  CHECK(std::string_view(bytes.data(), 8) == "\x01\x02\x03\x04\x05\x06\x07\x88");
  CHECK(big_endian_at<std::uint64_t>(bytes.data()) == 0x0102030405060788);
  CHECK(put_big_endian(bytes.data(), std::uint8_t{0xff}) == bytes.data() + 1);
  CHECK(big_endian_at<std::uint8_t>(bytes.data()) == 0xff);
}

TEST_CASE("a number of any width is read as it was written, whatever bytes follow it") {
  constexpr std::uint64_t kNumber = 0xFEDCBA9876543210;
  for (std::size_t width = 0; width <= 8; ++width) {
    const std::uint64_t expected = width == 0 ? 0 : kNumber & (~std::uint64_t{0} >> (64 - 8 * width));
    std::array<char, 16> bytes;
    char* const end = put_number(bytes.data(), expected, width);
    put_number(end, ~std::uint64_t{0}, 8);
    CHECK(number_at(bytes.data(), width) == expected);
  }
}

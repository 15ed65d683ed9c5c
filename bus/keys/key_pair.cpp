#include "bus/keys/key_pair.hpp"

#include <zmq.h>

#include <array>
#include <cstdint>

#include "protocol/assert.hpp"

namespace herd::bus {
namespace {

using KeyText = std::array<char, kKeyLength + 1>;  // libzmq ends it with a zero byte

}  // namespace

KeyPair make_key_pair() {
  KeyText public_key{};
  KeyText secret_key{};
  const int made = zmq_curve_keypair(public_key.data(), secret_key.data());
  HERD_ASSERT(made == 0);  // it fails only if libzmq was built without CURVE
  return {public_key.data(), secret_key.data()};
}

bool is_key(std::string_view text) {
  std::array<std::uint8_t, kKeyLength / 5 * 4> bytes{};
  if (text.size() != kKeyLength || text.find('\0') != std::string_view::npos) return false;
  return zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

std::optional<std::string> public_key_of(const std::string& secret_key) {
  if (!is_key(secret_key)) return std::nullopt;
  KeyText public_key{};
  const int made = zmq_curve_public(public_key.data(), secret_key.c_str());
  HERD_ASSERT(made == 0);
  return public_key.data();
}

}  // namespace herd::bus

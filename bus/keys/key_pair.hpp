// Key pairs of CURVE (libzmq), with which nodes encrypt their bus and recognise each other. A key is a text of 40
// characters in Z85 (ZeroMQ RFC 32). Any thread. Pure, but for the random numbers of make_key_pair().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace herd::bus {

struct KeyPair {
  std::string public_key;
  std::string secret_key;  // only --new-key prints it; it is never logged
  bool operator==(const KeyPair&) const = default;
};

inline constexpr std::size_t kKeyLength = 40;  // characters of a key

// Draws a key pair from the random numbers of the operating system.
[[nodiscard]] KeyPair make_key_pair();

// Whether the text has the form of a key: kKeyLength characters of Z85, of which each group of five is a number below
// 2^32.
[[nodiscard]] bool is_key(std::string_view text);

// Returns the public key that belongs to the secret one; nullopt if the text does not have the form of a key.
[[nodiscard]] std::optional<std::string> public_key_of(const std::string& secret_key);

}  // namespace herd::bus

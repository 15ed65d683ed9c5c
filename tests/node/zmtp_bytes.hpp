// The bytes that a ZMTP subscriber sends, for tests.
#pragma once

#include <string>
#include <string_view>

namespace herd::node::zmtp {

inline std::string subscriber_greeting(std::string_view mechanism) {
  std::string bytes("\xff\0\0\0\0\0\0\0\1\x7f\3\1", 12);
  bytes += mechanism;
  bytes.resize(64, '\0');
  return bytes;
}

inline std::string as_frame(char flags, std::string_view body) {
  std::string bytes;
  if (body.size() <= 255) {
    bytes += {flags, static_cast<char>(body.size())};
  } else {
    bytes += {static_cast<char>(flags | 2),         0, 0, 0, 0, 0, 0, static_cast<char>(body.size() >> 8U),
              static_cast<char>(body.size() & 255U)};
  }
  return bytes.append(body);
}

inline std::string as_message(std::string_view body) {
  return as_frame(0, body);
}
inline std::string as_command(std::string_view body) {
  return as_frame(4, body);
}

inline std::string subscriber_ready() {
  return {"\5READY\xbSocket-Type\0\0\0\3SUB", 25};
}

// A greeting and READY of a SUB socket: 91 bytes.
inline std::string subscriber_start() {
  return subscriber_greeting("NULL") + as_command(subscriber_ready());
}

}  // namespace herd::node::zmtp

// A client's bytes in segments. However they are cut, the lines are the same, none is too long, memory stays bounded,
// and exactly the requested timing marks are reported. The first byte chooses the longest line, the second the size of
// the segments; the rest are the client's bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/assert.hpp"
#include "protocol/line_buffer.hpp"

using herd::protocol::LineBuffer;
using herd::protocol::TelnetFilter;

namespace {

std::size_t timing_marks_in(std::string_view bytes) {
  TelnetFilter telnet;
  for (const char byte : bytes) (void)telnet.is_text(byte);
  return telnet.take_timing_marks();
}

std::vector<std::string> receive(std::string_view bytes, std::size_t max_line, std::size_t segment) {
  LineBuffer buffer(max_line);
  const std::size_t requested = timing_marks_in(bytes);
  std::size_t marks = 0;
  std::vector<std::string> received;
  const auto take = [&](std::string_view line) {
    HERD_ASSERT(line.size() <= max_line);
    received.emplace_back(line);
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(segment, bytes.size()))) {
    const std::string chunk(bytes.substr(0, segment));
    buffer.feed(chunk);
    marks += buffer.take_timing_marks();
    while (const auto line = buffer.next()) {
      take(*line);
    }
    HERD_ASSERT(buffer.held_bytes() <= max_line + 2);
  }
  if (const auto last = buffer.last_line()) {
    take(*last);
  }
  HERD_ASSERT(buffer.state() == LineBuffer::State::Open ? marks == requested : marks <= requested);
  if (buffer.state() == LineBuffer::State::TooLong) {
    received.push_back("too long: " + std::string(buffer.too_long_head()));
  }
  return received;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t max_line = data[0] + std::size_t{1};
  const std::size_t segment = data[1] + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto in_one_piece = receive(bytes, max_line, bytes.size() + 1);
  HERD_ASSERT(receive(bytes, max_line, segment) == in_one_piece);
  HERD_ASSERT(receive(bytes, max_line, 1) == in_one_piece);
  return 0;
}

// Cuts a client's bytes into lines. It removes line ends (LF, CR LF, CR NUL) and telnet sequences wherever they stand,
// also split over segments, and holds only what is not yet complete: an idle connection between two lines holds nothing.
// Owned by one session, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace herd::protocol {

class LineBuffer {
 public:
  enum class State : std::uint8_t {
    Open,     // lines can come
    TooLong,  // a line (or a telnet subnegotiation) longer than the longest line came: nothing more will be returned
  };

  // `max_line_bytes`: the longest line without its line end, at least 1.
  explicit LineBuffer(std::size_t max_line_bytes);

  // Takes the next bytes from the socket. They are read in place where they can be: `chunk` must stay as it is until
  // next() has returned nothing, or until hold() was called.
  void feed(std::span<const char> chunk);

  // The next complete line, or nothing. The view is good until the next call of any function of this object.
  [[nodiscard]] std::optional<std::string_view> next();

  // Copies what was fed and not yet returned, so that the chunk may go away: call it when no more lines are wanted now.
  void hold();

  // After the client's half-close: what stands unterminated is a last line (perhaps an empty one). Call it once, when
  // next() has returned nothing.
  [[nodiscard]] std::optional<std::string_view> last_line();

  [[nodiscard]] State state() const;

  // When the state is TooLong: at most the first kTooLongEchoBytes bytes of that line, telnet sequences removed.
  [[nodiscard]] std::string_view too_long_head() const;

  // Bytes held between two feeds; never above max_line_bytes + 2 unless hold() kept more for a session that must wait.
  [[nodiscard]] std::size_t held_bytes() const;
};

}  // namespace herd::protocol

// Cuts a client's bytes into lines. It removes line ends (LF, CR LF, CR NUL) and telnet sequences wherever they stand,
// also split over segments, and holds only what is not yet complete: an idle connection between two lines holds
// nothing. Owned by one session, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/telnet.hpp"

namespace herd::protocol {

class LineBuffer {
 public:
  enum class State : std::uint8_t {
    Open,     // lines can come
    TooLong,  // a line (or a telnet subnegotiation) longer than the longest line came: nothing more will be returned
    Closed,   // close() was called
  };

  // `max_line_bytes`: the longest line without its line end, at least 1.
  explicit LineBuffer(std::size_t max_line_bytes);

  LineBuffer(const LineBuffer&) = delete;  // it holds views into itself
  LineBuffer& operator=(const LineBuffer&) = delete;

  // Takes the next bytes from the socket. They are read in place where they can be: `chunk` must stay as it is until
  // next() has returned nothing, or until hold() was called.
  void feed(std::span<const char> chunk);

  // The next complete line, or nothing. The view is good until the next call of any function of this object.
  [[nodiscard]] std::optional<std::string_view> next();

  // Whether the line that next() returned last stays as it is until the chunk goes, whatever is called meanwhile: a few
  // lines can then be read before the first of them is used.
  [[nodiscard]] bool line_stays() const { return line_stays_; }

  // Copies what was fed and not yet returned, so that the chunk may go away: call it when no more lines are wanted now.
  void hold();

  // After the client's half-close: what stands unterminated is a last line; a CR at its end is a blank of it. Call it
  // once, when next() has returned nothing. It may find that line too long.
  [[nodiscard]] std::optional<std::string_view> last_line();

  [[nodiscard]] State state() const;

  // When the state is TooLong: at most the first kTooLongEchoBytes bytes of that line, telnet sequences removed. Where
  // a subnegotiation was too long it is what stood before it in its line.
  [[nodiscard]] std::string_view too_long_head() const;

  // How many telnet requests for a timing mark were fed since the last call. They count as soon as they are fed,
  // whatever lines before them wait, because they are answered at once.
  [[nodiscard]] std::uint32_t take_timing_marks() { return ahead_.take_timing_marks(); }

  // Forgets what was fed and not yet returned: nothing more will be returned.
  void close();

  // Bytes held between two feeds; never above max_line_bytes + 2 unless hold() kept more for a session that must wait.
  [[nodiscard]] std::size_t held_bytes() const;

 private:
  [[nodiscard]] std::optional<std::string_view> next_in_place();
  [[nodiscard]] std::optional<std::string_view> next_by_byte();
  [[nodiscard]] bool ends_line(char byte);
  void push(char byte);
  void refuse_line(std::string_view line);
  void forget_returned_line();
  void release_memory();

  std::size_t max_line_bytes_;
  State state_ = State::Open;
  TelnetFilter telnet_;
  TelnetFilter ahead_;             // runs over bytes as they are fed
  bool carriage_return_ = false;   // a CR came: half of a line end, or a blank, as the next byte says
  bool line_is_returned_ = false;  // what stands in line_ was returned, and goes at the next call
  bool line_stays_ = false;        // the line returned last lies in the caller's chunk
  bool rest_is_plain_ = true;      // rest_ has neither IAC nor NUL, so its lines can be cut in place
  bool rest_is_held_ = false;      // rest_ is the end of held_, not of the caller's chunk
  std::string line_;               // bytes of the line being collected; at most max_line_bytes_. TooLong: its head
  std::string held_;               // what hold() copied
  std::string_view rest_;          // what was fed and not yet looked at
};

}  // namespace herd::protocol

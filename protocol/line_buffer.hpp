// Splits the bytes from a client into lines. Removes line ends (LF, CR LF, CR NUL) and telnet sequences, also if they
// are split over segments. Stores only incomplete lines: between two lines an idle connection uses no memory for it.
// Owned by one session; loop thread only.
//
// Usage: feed() one chunk from the socket, then call next() until it returns nullopt. To stop earlier, call hold().
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
    Open,     // accepts input and returns lines
    TooLong,  // a line or a telnet subnegotiation exceeded max_line_bytes: no more lines are returned
    Closed,   // close() was called: no more lines are returned
  };

  // `max_line_bytes`: the length of the longest line without its line end, at least 1.
  explicit LineBuffer(std::size_t max_line_bytes);

  LineBuffer(const LineBuffer&) = delete;  // it holds views into itself
  LineBuffer& operator=(const LineBuffer&) = delete;

  // Takes the next bytes from the socket. It does not copy them if it can avoid that: `chunk` must stay unchanged until
  // next() has returned nullopt or hold() was called.
  void feed(std::span<const char> chunk);

  // Returns the next complete line, or nullopt if there is none. The view is valid until the next call of a non-const
  // function of this object, or longer if line_stays().
  [[nodiscard]] std::optional<std::string_view> next();

  // Whether the line that next() returned last lies in the chunk, and so is valid until the chunk changes, whatever
  // function is called. The caller can then read several lines before it uses the first.
  [[nodiscard]] bool line_stays() const { return line_stays_; }

  // Copies all bytes fed and not yet returned, so that the chunk can be overwritten. Call it to read the next lines
  // later.
  void hold();

  // Returns the unterminated last line after the client's half-close, or nullopt if there is none. A CR at its end is a
  // blank of the line. Call it once, after next() has returned nullopt. The state is TooLong if that line is too long.
  [[nodiscard]] std::optional<std::string_view> last_line();

  [[nodiscard]] State state() const;

  // In the state TooLong: the first bytes of the line, at most kTooLongEchoBytes, without telnet sequences. If a
  // subnegotiation was too long: the bytes of its line before it. In other states empty.
  [[nodiscard]] std::string_view too_long_head() const;

  // Returns the number of telnet requests for a timing mark since the last call. A request counts as soon as it is fed,
  // also if lines before it are not yet returned, because it is answered at once.
  [[nodiscard]] std::uint32_t take_timing_marks() { return ahead_.take_timing_marks(); }

  // Drops all bytes not yet returned. No more lines are returned.
  void close();

  // The number of bytes stored between two calls of feed(): at most max_line_bytes + 2, or more after hold().
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
  TelnetFilter ahead_;             // sees all bytes as they are fed; counts timing marks
  bool carriage_return_ = false;   // the last byte was a CR: the next byte decides whether it is part of a line end
  bool line_is_returned_ = false;  // line_ was returned, and is cleared at the next call
  bool line_stays_ = false;        // the line returned last lies in the caller's chunk
  bool rest_is_plain_ = true;      // rest_ has neither IAC nor NUL, so its lines can be returned in place
  bool rest_is_held_ = false;      // rest_ is the end of held_, not of the caller's chunk
  std::string line_;               // the incomplete line, at most max_line_bytes_. In state TooLong its first bytes
  std::string held_;               // the copy that hold() made
  std::string_view rest_;          // bytes fed and not yet examined
};

}  // namespace herd::protocol

// Separates text from telnet sequences (RFC 854, RFC 855), byte by byte, so that segments may end anywhere. The
// sequences are skipped and nothing is negotiated, so that a person can use a node with a telnet client. Only requests
// for a timing mark (RFC 860) are counted, because they must be answered: a telnet client sends one after Ctrl-C and
// shows nothing until the answer comes. Owned by one LineBuffer; loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace herd::protocol {

inline constexpr char kIac = '\xFF';  // the first byte of every telnet sequence; twice: the byte FF itself

// IAC WILL TIMING-MARK: the answer to IAC DO TIMING-MARK.
inline constexpr std::string_view kTimingMark = "\xFF\xFB\x06";

class TelnetFilter {
 public:
  // Takes the next byte. Returns true if it is a byte of text. The second byte of IAC IAC is the text byte FF.
  [[nodiscard]] bool is_text(char byte);

  // Whether no sequence is incomplete: the next byte is text, or IAC.
  [[nodiscard]] bool is_idle() const { return state_ == State::Text; }

  // The length of the current subnegotiation in bytes, without IAC SB and IAC SE; 0 outside of one.
  [[nodiscard]] std::size_t subnegotiation_bytes() const { return subnegotiation_bytes_; }

  // Returns the number of complete IAC DO TIMING-MARK since the last call.
  [[nodiscard]] std::uint32_t take_timing_marks() { return std::exchange(timing_marks_, 0); }

 private:
  enum class State : std::uint8_t {
    Text,
    Iac,                // after IAC
    Option,             // after IAC and WILL, WONT or DONT: the option byte follows
    Do,                 // after IAC DO: the option byte follows
    Subnegotiation,     // after IAC SB, until IAC SE
    SubnegotiationIac,  // after an IAC inside a subnegotiation
  };

  [[nodiscard]] bool end_command(char byte);
  void take_in_subnegotiation(char byte);

  State state_ = State::Text;
  std::uint32_t timing_marks_ = 0;
  std::size_t subnegotiation_bytes_ = 0;
};

}  // namespace herd::protocol

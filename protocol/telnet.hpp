// Recognises telnet sequences (RFC 854, RFC 855) byte by byte, wherever a segment ends. Nothing is negotiated: they are
// skipped, so that a person with a telnet client can talk to a node. One is counted, because it must be answered: after
// Ctrl-C a telnet client asks for a timing mark (RFC 860) and shows nothing until it comes. Owned by one LineBuffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace herd::protocol {

inline constexpr char kIac = '\xFF';  // begins every telnet sequence; written twice it stands for itself

// IAC WILL TIMING-MARK: the answer to IAC DO TIMING-MARK.
inline constexpr std::string_view kTimingMark = "\xFF\xFB\x06";

class TelnetFilter {
 public:
  // Takes the next byte; true if it belongs to the text. An FF of the text comes as the second byte of IAC IAC.
  [[nodiscard]] bool is_text(char byte);

  // Between sequences: the next byte other than IAC will be text.
  [[nodiscard]] bool is_idle() const { return state_ == State::Text; }

  // Bytes of the present subnegotiation, without the sequences that begin and end it; 0 outside of one.
  [[nodiscard]] std::size_t subnegotiation_bytes() const { return subnegotiation_bytes_; }

  // How many IAC DO TIMING-MARK were completed since the last call.
  [[nodiscard]] std::uint32_t take_timing_marks() { return std::exchange(timing_marks_, 0); }

 private:
  enum class State : std::uint8_t {
    Text,
    Iac,                // behind IAC
    Option,             // after IAC and WILL, WONT or DONT: one byte more
    Do,                 // after IAC DO: one byte more
    Subnegotiation,     // behind IAC SB, until IAC SE
    SubnegotiationIac,  // behind an IAC in there
  };

  [[nodiscard]] bool end_command(char byte);
  void take_in_subnegotiation(char byte);

  State state_ = State::Text;
  std::uint32_t timing_marks_ = 0;
  std::size_t subnegotiation_bytes_ = 0;
};

}  // namespace herd::protocol

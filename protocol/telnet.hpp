// Recognises telnet sequences (RFC 854, RFC 855) byte by byte, wherever a segment ends. Nothing is negotiated: they are
// only skipped, so that a person with a telnet client can talk to a node. Owned by one LineBuffer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herd::protocol {

inline constexpr char kIac = '\xFF';  // begins every telnet sequence; written twice it stands for itself

class TelnetFilter {
 public:
  // Takes the next byte; true if it belongs to the text. An FF of the text comes as the second byte of IAC IAC.
  [[nodiscard]] bool is_text(char byte);

  // Between sequences: the next byte other than IAC will be text.
  [[nodiscard]] bool is_idle() const { return state_ == State::Text; }

  // Bytes of the present subnegotiation, without the sequences that begin and end it; 0 outside of one.
  [[nodiscard]] std::size_t subnegotiation_bytes() const { return subnegotiation_bytes_; }

 private:
  enum class State : std::uint8_t {
    Text,
    Iac,                // behind IAC
    Option,             // behind IAC and WILL, WONT, DO or DONT: one byte more
    Subnegotiation,     // behind IAC SB, until IAC SE
    SubnegotiationIac,  // behind an IAC in there
  };

  [[nodiscard]] bool end_command(char byte);
  void take_in_subnegotiation(char byte);

  State state_ = State::Text;
  std::size_t subnegotiation_bytes_ = 0;
};

}  // namespace herd::protocol

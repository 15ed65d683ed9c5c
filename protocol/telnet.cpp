#include "protocol/telnet.hpp"

#include "protocol/unreachable.hpp"

namespace herd::protocol {
namespace {

constexpr char kSubnegotiationEnd = '\xF0';
constexpr char kSubnegotiationBegin = '\xFA';
constexpr char kWill = '\xFB';
constexpr char kWont = '\xFC';
constexpr char kDo = '\xFD';
constexpr char kDont = '\xFE';
constexpr char kTimingMarkOption = '\x06';
static_assert(kTimingMark.size() == 3 && kTimingMark[0] == kIac && kTimingMark[1] == kWill &&
              kTimingMark[2] == kTimingMarkOption);

}  // namespace

bool TelnetFilter::is_text(char byte) {
  switch (state_) {
    case State::Text:
      if (byte == kIac) {
        state_ = State::Iac;
        return false;
      }
      return true;
    case State::Iac:
      return end_command(byte);
    case State::Option:
      state_ = State::Text;
      return false;
    case State::Do:
      state_ = State::Text;
      if (byte == kTimingMarkOption) ++timing_marks_;
      return false;
    case State::Subnegotiation:
    case State::SubnegotiationIac:
      take_in_subnegotiation(byte);
      return false;
  }
  unreachable();
}

// An unknown command is skipped as a sequence of two bytes. If its second byte counted as text, noise could become a
// command.
bool TelnetFilter::end_command(char byte) {
  switch (byte) {
    case kSubnegotiationBegin:
      state_ = State::Subnegotiation;
      return false;
    case kWill:
    case kWont:
    case kDont:
      state_ = State::Option;
      return false;
    case kDo:
      state_ = State::Do;
      return false;
    default:
      state_ = State::Text;
      return byte == kIac;
  }
}

void TelnetFilter::take_in_subnegotiation(char byte) {
  if (state_ == State::Subnegotiation && byte == kIac) {
    state_ = State::SubnegotiationIac;
  } else if (state_ == State::SubnegotiationIac && byte == kSubnegotiationEnd) {
    state_ = State::Text;
    subnegotiation_bytes_ = 0;
  } else {
    state_ = State::Subnegotiation;
    ++subnegotiation_bytes_;
  }
}

}  // namespace herd::protocol

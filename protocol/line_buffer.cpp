#include "protocol/line_buffer.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

namespace herd::protocol {
namespace {

bool contains(std::string_view bytes, char byte) {
  return std::memchr(bytes.data(), byte, bytes.size()) != nullptr;
}

}  // namespace

LineBuffer::LineBuffer(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {
  HERD_ASSERT(max_line_bytes >= 1);
}

void LineBuffer::feed(std::span<const char> chunk) {
  const std::string_view bytes(chunk.data(), chunk.size());
  if (state_ != State::Open || bytes.empty()) {
    return;
  }
  forget_returned_line();
  const bool has_iac = contains(bytes, kIac);
  if (has_iac || !ahead_.is_idle()) {
    for (const char byte : bytes) (void)ahead_.is_text(byte);
  }
  // Without IAC and NUL, only LF and a CR before it need special treatment.
  const bool is_plain = !has_iac && !contains(bytes, '\0');
  if (rest_.empty()) {
    rest_ = bytes;
    rest_is_held_ = false;
    rest_is_plain_ = is_plain;
    return;
  }
  hold();
  held_.erase(0, held_.size() - rest_.size());
  held_.append(bytes);
  rest_ = held_;
  rest_is_plain_ = rest_is_plain_ && is_plain;
}

std::optional<std::string_view> LineBuffer::next() {
  forget_returned_line();
  while (!rest_.empty() && state_ == State::Open) {
    const bool between_lines = line_.empty() && !carriage_return_ && telnet_.is_idle();
    const bool in_place = rest_is_plain_ && between_lines;
    if (const auto line = in_place ? next_in_place() : next_by_byte()) {
      line_stays_ = in_place && !rest_is_held_;
      return line;
    }
  }
  release_memory();
  return std::nullopt;
}

void LineBuffer::hold() {
  if (!rest_is_held_ && !rest_.empty()) {
    held_.assign(rest_);
    rest_ = held_;
    rest_is_held_ = true;
  }
}

std::optional<std::string_view> LineBuffer::last_line() {
  forget_returned_line();
  HERD_ASSERT(rest_.empty());
  if (carriage_return_ && state_ == State::Open) {
    carriage_return_ = false;
    push('\r');
  }
  if (state_ != State::Open || line_.empty()) {
    return std::nullopt;
  }
  line_is_returned_ = true;
  return line_;
}

void LineBuffer::close() {
  if (state_ == State::Open) state_ = State::Closed;
  rest_ = {};
  carriage_return_ = false;
  std::string().swap(held_);
  rest_is_held_ = false;
}

LineBuffer::State LineBuffer::state() const {
  return state_;
}

std::string_view LineBuffer::too_long_head() const {
  return state_ == State::TooLong ? line_ : std::string_view();
}

std::size_t LineBuffer::held_bytes() const {
  return (line_is_returned_ ? 0 : line_.size()) + (carriage_return_ ? 1 : 0) + (rest_is_held_ ? rest_.size() : 0);
}

std::optional<std::string_view> LineBuffer::next_in_place() {
  const std::size_t end = rest_.find('\n');
  const bool complete = end != std::string_view::npos;
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(complete ? end + 1 : rest_.size());
  const bool has_carriage_return = line.ends_with('\r');
  if (has_carriage_return) {
    line.remove_suffix(1);
  }
  if (line.size() > max_line_bytes_) {
    refuse_line(line);
    return std::nullopt;
  }
  if (complete) {
    return line;
  }
  line_.assign(line);
  carriage_return_ = has_carriage_return;
  return std::nullopt;
}

std::optional<std::string_view> LineBuffer::next_by_byte() {
  for (std::size_t at = 0; at < rest_.size(); ++at) {
    const char byte = rest_[at];
    if (telnet_.is_text(byte)) {
      if (ends_line(byte)) {
        rest_.remove_prefix(at + 1);
        line_is_returned_ = true;
        return line_;
      }
    } else if (telnet_.subnegotiation_bytes() > max_line_bytes_) {
      refuse_line(std::string(line_));
    }
    if (state_ == State::TooLong) {
      return std::nullopt;
    }
  }
  rest_ = {};
  return std::nullopt;
}

// Adds a byte of text to the line. Returns true if it completes the line.
bool LineBuffer::ends_line(char byte) {
  if (carriage_return_) {
    carriage_return_ = false;
    if (byte == '\n' || byte == '\0') {
      return true;
    }
    push('\r');
    if (state_ == State::TooLong) {
      return false;
    }
  }
  if (byte == '\r') {
    carriage_return_ = true;
  } else if (byte != '\n') {
    push(byte);
  }
  return byte == '\n';
}

void LineBuffer::push(char byte) {
  line_.push_back(byte);
  if (line_.size() > max_line_bytes_) {
    refuse_line(std::string(line_));
  }
}

// Stores at most the first max_line_bytes_ + 1 bytes: that many are known of the line, however it is split into
// segments.
void LineBuffer::refuse_line(std::string_view line) {
  state_ = State::TooLong;
  line_.assign(line.substr(0, std::min(kTooLongEchoBytes, max_line_bytes_ + 1)));
  carriage_return_ = false;
  rest_ = {};
}

void LineBuffer::forget_returned_line() {
  if (line_is_returned_) {
    line_is_returned_ = false;
    line_.clear();
  }
}

// Called when all bytes are examined, so that an idle connection does not keep large buffers.
void LineBuffer::release_memory() {
  if (line_.empty()) {
    std::string().swap(line_);
  }
  if (rest_.empty() && !held_.empty()) {
    std::string().swap(held_);
    rest_is_held_ = false;
  }
}

}  // namespace herd::protocol

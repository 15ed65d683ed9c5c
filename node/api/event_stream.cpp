#include "node/api/event_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/api/answer_json.hpp"
#include "node/api/lines.hpp"
#include "node/base/json_text.hpp"
#include "protocol/assert.hpp"

namespace herd::node::api {
namespace {

// How long a browser waits before it connects again.
constexpr std::string_view kRetry = "retry: 1000\n";

// The fields of the data, without braces. `text`: what follows the event's name.
void append_data(std::string& out, std::string_view event, std::string_view text) {
  if (const auto client = read_client_line(text)) return append_client_fields(out, *client);
  if (event == "READY") {
    out.append("\"count\":").append(text);
  } else if (event == "TICK" || event == "END") {
    out += event == "TICK" ? "\"time\":" : "\"reason\":";
    append_json_string(out, text);
  } else {
    if (event == "GONE") text.remove_prefix(std::min(text.find(' ') + 1, text.size()));  // `reset <client>`
    append_id_fields(out, text);
  }
}

}  // namespace

std::string event_text(std::string_view feed, std::string_view line) {
  const auto fields = split(line);
  HERD_ASSERT(fields.size() >= 5 && fields[0] == "!");
  const std::string_view event = fields[3];
  const auto text = static_cast<std::size_t>(fields[4].data() - line.data());
  std::string out = "event: ";
  for (const char letter : event) out += static_cast<char>(letter + ('a' - 'A'));
  fmt::format_to(std::back_inserter(out), "\nid: {}:{}\ndata: {{", feed, fields[2]);
  append_data(out, event, line.substr(text));
  out += "}\n\n";
  return out;
}

std::string watching_text(std::string_view line) {
  const auto fields = split(line);
  HERD_ASSERT(fields.size() == 4);
  return fmt::format("{}event: watching\ndata: {{\"feed\":\"{}\",\"resumed\":{}}}\n\n", kRetry, fields[2],
                     fields[3] == "resumed");
}

void EventStream::Inbox::put(const std::string& lines, bool is_last) {
  lines_ += lines;
  is_last_ = is_last_ || is_last;
  if (wake_) wake_();
}

EventStream::EventStream(std::shared_ptr<Inbox> inbox, std::string_view watching, Tell tell)
    : inbox_(std::move(inbox)), tell_(std::move(tell)) {
  const std::string_view line = next_line(watching);
  first_ = watching_text(line);
  feed_ = split(line)[2];
}

// The inbox may outlive the stream, but not wake its connection.
EventStream::~EventStream() {
  inbox_->wake_ = nullptr;
  tell_(ViewerNews::Gone);
}

EventStream::Pulled EventStream::pull() {
  if (!first_.empty()) return {Next::Piece, std::make_shared<const std::string>(std::exchange(first_, {}))};
  if (inbox_->lines_.empty()) return {inbox_->is_last_ ? Next::End : Next::Nothing};
  const std::string lines = std::exchange(inbox_->lines_, {});
  std::string piece;
  for (std::string_view rest = lines; !rest.empty();) piece += event_text(feed_, next_line(rest));
  tell_(ViewerNews::Taken);
  return {Next::Piece, std::make_shared<const std::string>(std::move(piece))};
}

}  // namespace herd::node::api

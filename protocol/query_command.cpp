#include "protocol/query_command.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "protocol/parsed.hpp"
#include "protocol/point.hpp"
#include "protocol/query_operands.hpp"

namespace herd::protocol {
namespace {

enum class Option : std::uint8_t { Match, Newer, After, Slack, Dwell, Every, From, Beat };

constexpr std::array<std::string_view, 8> kOptionNames{"match", "newer", "after", "slack",
                                                       "dwell", "every", "from",  "beat"};

// Reads the operands one after the other, then the options. Remembers the first reason to refuse the command; the
// values that it returns from then on have no meaning.
class OperandReader {
 public:
  explicit OperandReader(Operands operands) : rest_(operands) {}

  // The next operand; empty if there is none.
  std::string_view next() {
    if (rest_.empty()) {
      refuse(kWrongNumberOfOperands);
      return {};
    }
    const std::string_view text = rest_.front();
    rest_ = rest_.subspan(1);
    return text;
  }
  template <typename T>
  T next(Parsed<T> (*parse)(std::string_view text)) {
    const std::string_view text = next();
    return is_refused() ? T{} : value_of(parse(text));
  }

  // Reads the remaining operands as options.
  void read_options(std::initializer_list<Option> allowed) {
    while (!rest_.empty() && !is_refused()) read_option(next(), allowed);
  }
  // The value of an option, or `otherwise` if it is not given.
  template <typename T>
  T value(Option option, Parsed<T> (*parse)(std::string_view text), T otherwise = {}) {
    const auto& text = texts_[index_of(option)];
    return text && !is_refused() ? value_of(parse(*text)) : otherwise;
  }
  [[nodiscard]] bool has(Option option) const { return texts_[index_of(option)].has_value(); }

  template <typename T>
  T value_of(const Parsed<T>& parsed) {
    if (parsed) return *parsed;
    refuse(parsed.error());
    return {};
  }
  void refuse(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
  }
  [[nodiscard]] bool is_refused() const { return !reason_.empty(); }

  // The command, or its refusal.
  template <typename T>
  [[nodiscard]] Command result(const T& command) const {
    if (is_refused()) return RefusedQuery{reason_};
    return command;
  }

 private:
  static std::size_t index_of(Option option) { return static_cast<std::size_t>(option); }

  void read_option(std::string_view text, std::initializer_list<Option> allowed) {
    const std::size_t end = text.find('=');
    if (end == std::string_view::npos) return refuse(kWrongNumberOfOperands);
    const auto* name = std::find(kOptionNames.begin(), kOptionNames.end(), text.substr(0, end));
    if (name == kOptionNames.end()) return refuse("unknown option: HELP shows the grammar");
    const auto option = static_cast<Option>(name - kOptionNames.begin());
    if (std::find(allowed.begin(), allowed.end(), option) == allowed.end()) {
      return refuse("an option has no meaning in this command: HELP shows the grammar");
    }
    if (has(option)) return refuse("an option is given twice");
    texts_[index_of(option)] = text.substr(end + 1);
  }

  Operands rest_;
  std::string_view reason_;
  std::array<std::optional<std::string_view>, kOptionNames.size()> texts_;
};

Circle read_circle(OperandReader& read) {
  const auto centre = read.next(parse_centre);
  return {centre, read.next(parse_km)};
}

Box read_box(OperandReader& read) {
  const Point south_west = read.next(parse_point);
  const Point north_east = read.next(parse_point);
  return read.is_refused() ? Box{} : read.value_of(make_box(south_west, north_east));
}

Filter filter_of(OperandReader& read) {
  Filter filter;
  filter.prefix = read.value(Option::Match, parse_prefix);
  if (read.has(Option::Newer)) filter.newer = read.value(Option::Newer, parse_seconds);
  return filter;
}

Command parse_whereis(Operands operands) {
  OperandReader read(operands);
  const Whereis whereis{read.next(parse_client)};
  read.read_options({});
  return read.result(whereis);
}

// The part of NEAR and WITHIN after the area.
template <typename Paged>
Command parse_page(OperandReader& read, Paged query) {
  query.max = read.next(parse_max_lines);
  read.read_options({Option::Match, Option::Newer, Option::After});
  query.filter = filter_of(read);
  query.after = read.value(Option::After, parse_cursor);
  return read.result(query);
}

Command parse_near(Operands operands) {
  OperandReader read(operands);
  Near near;
  near.circle = read_circle(read);
  return parse_page(read, near);
}

Command parse_within(Operands operands) {
  OperandReader read(operands);
  Within within;
  within.box = read_box(read);
  return parse_page(read, within);
}

Command parse_count(Operands operands) {
  OperandReader read(operands);
  Count count;
  const std::string_view area = read.next();
  if (area == "NEAR") {
    count.area = read_circle(read);
  } else if (area == "WITHIN") {
    count.area = read_box(read);
  } else {
    read.refuse("the word after COUNT is not NEAR or WITHIN");
  }
  read.read_options({Option::Match, Option::Newer});
  count.filter = filter_of(read);
  return read.result(count);
}

// Reads what is watched, and the options that have a meaning for it.
void read_watched(OperandReader& read, Watch& watch) {
  const std::string_view kind = read.next();
  if (kind == "CLIENT") {
    watch.what = read.next(parse_watched_clients);
    read.read_options({Option::Every, Option::From, Option::Beat});
  } else if (kind == "NEAR") {
    watch.what = read_circle(read);
    read.read_options({Option::Match, Option::Slack, Option::Dwell, Option::Every, Option::From, Option::Beat});
  } else if (kind == "WITHIN") {
    watch.what = read_box(read);
    read.read_options({Option::Match, Option::Dwell, Option::Every, Option::From, Option::Beat});
  } else if (kind == "ALL") {
    watch.what = AllClients{};
    read.read_options({Option::Match, Option::Every, Option::From, Option::Beat});
  } else {
    read.refuse("the word after the tag is not CLIENT, NEAR, WITHIN or ALL");
  }
}

Command parse_watch(Operands operands) {
  OperandReader read(operands);
  Watch watch;
  watch.tag = read.next(parse_tag);
  read_watched(read, watch);
  WatchOptions& options = watch.options;
  options.prefix = read.value(Option::Match, parse_prefix);
  options.slack = read.value(Option::Slack, parse_km);
  options.dwell = read.value(Option::Dwell, parse_seconds);
  options.every = read.value(Option::Every, parse_seconds);
  options.beat = read.value(Option::Beat, parse_beat);
  if (read.has(Option::From)) options.from = read.value(Option::From, parse_resume_from);
  const auto* circle = std::get_if<Circle>(&watch.what);
  if (circle != nullptr && circle->radius + options.slack > kMaxQueryKm * kMillimetresPerKm) {
    read.refuse("radius and slack are together above 20016 kilometres");
  }
  return read.result(watch);
}

Command parse_unwatch(Operands operands) {
  OperandReader read(operands);
  const Unwatch unwatch{read.next(parse_tag)};
  read.read_options({});
  return read.result(unwatch);
}

struct QueryForm {
  std::string_view name;
  Command (*parse)(Operands operands);
};

constexpr std::array<QueryForm, 6> kQueryForms{{
    {"NEAR", parse_near},
    {"WHEREIS", parse_whereis},
    {"WITHIN", parse_within},
    {"COUNT", parse_count},
    {"WATCH", parse_watch},
    {"UNWATCH", parse_unwatch},
}};

}  // namespace

std::optional<Command> parse_query(std::string_view name, Operands operands) {
  const auto* form =
      std::find_if(kQueryForms.begin(), kQueryForms.end(), [&](const QueryForm& each) { return each.name == name; });
  if (form == kQueryForms.end()) return std::nullopt;
  return form->parse(operands);
}

}  // namespace herd::protocol

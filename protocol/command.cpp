#include "protocol/command.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>

#include "protocol/bytes.hpp"
#include "protocol/digits.hpp"
#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"
#include "protocol/query_command.hpp"
#include "protocol/query_operands.hpp"
#include "protocol/time_text.hpp"

namespace herd::protocol {
namespace {

constexpr std::size_t kFields = 1 + kMaxQueryOperands + 1;  // more than any command has
constexpr std::string_view kAuth = "AUTH";
constexpr std::size_t kRadiusDigits = 9;
constexpr std::size_t kMaxDigits = 2;

struct Fields {
  std::array<std::string_view, kFields> texts;
  std::size_t count = 0;
  bool forbidden = false;  // the line contains a forbidden byte

  // The fields after the name. There must be a name.
  [[nodiscard]] Operands operands() const { return Operands(texts).first(count).subspan(1); }
};

// Finds the fields and the forbidden bytes in one pass. Stops as soon as the line cannot be a command.
Fields split(std::string_view line) {
  Fields fields;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t length = text_length(line.substr(at));
    if (length > 0) {
      fields.texts[fields.count++] = line.substr(at, length);
      if (fields.count == kFields) return fields;
      at += length;
    } else if (class_of(line[at]) == ByteClass::Forbidden) {
      fields.forbidden = true;
      return fields;
    } else {
      ++at;
    }
  }
  return fields;
}

// A field contains no blanks and no forbidden bytes, so a client id only needs a check of its length.
bool has_client_length(std::string_view client) {
  return client.size() <= kMaxClientBytes;
}

Parsed<double> parse_radius(std::string_view text) {
  const Decimal radius = take_decimal(text);
  if (!text.empty() || !radius.has_form(kRadiusDigits, kRadiusDigits)) {
    return refuse(
        "radius is not a number from 0 to 50 without a sign, with at most nine digits on either side of the point");
  }
  if (radius.is_above(kMaxRadiusKm)) {
    return refuse("radius is not within 0 and 50 kilometres");
  }
  return radius.as_double();
}

Parsed<int> parse_max(std::string_view text) {
  const Digits max = take_digits(text);
  if (!text.empty() || max.count < 1 || max.count > kMaxDigits) {
    return refuse("number of places is not one or two digits");
  }
  if (max.value > kMaxPlaces) {
    return refuse("number of places is not within 0 and 20");
  }
  return static_cast<int>(max.value);
}

Command parse_iamat(Operands operands) {
  const std::string_view client = operands[0];
  const std::string_view coordinates = operands[1];
  const std::string_view time_text = operands[2];
  if (!has_client_length(client)) {
    return InvalidArguments{kClientTooLong};
  }
  if (const auto checked = check_coordinates(coordinates); !checked) {
    return InvalidArguments{checked.error()};
  }
  const auto time = parse_time(time_text);
  if (!time) {
    return InvalidArguments{time.error()};
  }
  return Iamat{client, coordinates, time_text, *time};
}

Command parse_whatsat(Operands operands) {
  const std::string_view client = operands[0];
  if (!has_client_length(client)) {
    return InvalidArguments{kClientTooLong};
  }
  const auto radius = parse_radius(operands[1]);
  if (!radius) {
    return InvalidArguments{radius.error()};
  }
  const auto max = parse_max(operands[2]);
  if (!max) {
    return InvalidArguments{max.error()};
  }
  return Whatsat{client, *radius, *max};
}

// Removes one space from the front of `text`. Returns false if there is none.
bool take_space(std::string_view& text) {
  if (!text.starts_with(' ')) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// The fast path for the form of nearly every command: a valid IAMAT with single spaces. It examines each byte once
// instead of twice (to find the fields, and to read them). Returns nullopt for any other line, which parse_command()
// parses.
std::optional<Iamat> parse_usual_iamat(std::string_view line) {
  constexpr std::string_view kName = "IAMAT ";
  if (line.size() < kName.size() || std::memcmp(line.data(), kName.data(), kName.size()) != 0) {
    return std::nullopt;
  }
  std::string_view rest = line.substr(kName.size());
  Iamat iamat;
  iamat.client = rest.substr(0, text_length(rest));
  rest.remove_prefix(iamat.client.size());
  if (iamat.client.empty() || !has_client_length(iamat.client) || !take_space(rest)) {
    return std::nullopt;
  }
  iamat.coordinates = rest;
  if (!take_coordinates(rest)) {
    return std::nullopt;
  }
  iamat.coordinates.remove_suffix(rest.size());
  if (!take_space(rest)) {
    return std::nullopt;
  }
  iamat.time_text = rest;
  const auto time = parse_time(rest);
  if (!time) {
    return std::nullopt;
  }
  iamat.time = *time;
  return iamat;
}

// METHOD path HTTP/1.x with single spaces; the method is a word of capital letters, the path any word.
bool is_request_line(std::string_view line) {
  constexpr std::string_view kVersion = " HTTP/1.";  // and one digit
  if (line.size() < kVersion.size() + 1) return false;
  const std::size_t end = line.size() - kVersion.size() - 1;
  const char minor = line.back();
  if (line.substr(end, kVersion.size()) != kVersion || minor < '0' || minor > '9') return false;
  const std::string_view before = line.substr(0, end);
  const std::size_t space = before.find(' ');
  if (space == 0 || space == std::string_view::npos) return false;
  const std::string_view path = before.substr(space + 1);
  const auto is_capital = [](char byte) { return byte >= 'A' && byte <= 'Z'; };
  return std::all_of(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(space), is_capital) &&
         !path.empty() && path.find(' ') == std::string_view::npos;
}

bool is_host_field(std::string_view line) {
  constexpr std::string_view kName = "host:";
  const auto lower = [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte; };
  const auto same = [&](char wanted, char byte) { return wanted == lower(byte); };
  return line.size() >= kName.size() && std::equal(kName.begin(), kName.end(), line.begin(), same);
}

std::string_view first_word(std::string_view line) {
  const auto is_blank = [](char byte) { return class_of(byte) == ByteClass::Blank; };
  const auto* begin = std::find_if_not(line.begin(), line.end(), is_blank);
  const std::string_view rest(begin, static_cast<std::size_t>(line.end() - begin));
  return rest.substr(0, text_length(rest));
}

// The first operand; empty if there is none.
std::string_view first_of(Operands operands) {
  return operands.empty() ? std::string_view() : operands.front();
}

struct Form {
  std::string_view name;
  std::size_t least;  // operands
  std::size_t most;
  Command (*parse)(Operands operands);
};

// By frequency. AUTH is not among them: parse_command() finds it before it looks at the rest of the line. parse_query()
// knows the commands that ask and watch.
constexpr std::array<Form, 7> kForms{{
    {"IAMAT", 3, 3, parse_iamat},
    {"WHATSAT", 3, 3, parse_whatsat},
    {"PING", 0, 1, [](Operands operands) -> Command { return ClientPing{first_of(operands)}; }},
    {"INFO", 0, 0, [](Operands) -> Command { return Info{}; }},
    {"HELP", 0, 1, [](Operands operands) -> Command { return Help{first_of(operands)}; }},
    {"WHY", 0, 0, [](Operands) -> Command { return Why{}; }},
    {"QUIT", 0, 0, [](Operands) -> Command { return Quit{}; }},
}};

}  // namespace

Command parse_command(std::string_view line) {
  if (const auto usual = parse_usual_iamat(line)) {
    return *usual;
  }
  if (is_request_line(line) || is_host_field(line)) {
    return HttpLine{};
  }
  const std::string_view name = first_word(line);
  const Fields fields = split(line);
  if (name == kAuth) {
    return Auth{fields.count == 2 && !fields.forbidden ? fields.texts[1] : std::string_view()};
  }
  if (fields.count == 0 && !fields.forbidden) {
    return BlankLine{};
  }
  if (fields.forbidden) {
    return UnknownCommand{"the line contains a control byte or FF: remove it"};
  }
  const auto* form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& each) { return each.name == name; });
  const Operands operands = fields.operands();
  if (form == kForms.end()) {
    const auto query = parse_query(name, operands);
    return query ? *query : UnknownCommand{"unknown command: HELP lists the commands"};
  }
  if (operands.size() < form->least || operands.size() > form->most) {
    return UnknownCommand{kWrongNumberOfOperands};
  }
  return form->parse(operands);
}

bool is_secret(std::string_view line) {
  return first_word(line) == kAuth;
}

bool is_client_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxClientBytes && text_length(text) == text.size();
}

}  // namespace herd::protocol

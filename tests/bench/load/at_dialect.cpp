// The herd's client protocol: IAMAT and WHATSAT, answered with AT.
#include "tests/bench/load/dialect.hpp"
#include "tests/bench/load/request_text.hpp"

namespace herd::bench {
namespace {

using Verdict = Reading::Verdict;

constexpr std::size_t kFraction = 9;

// Whether `head` is the part of an AT line before the client: "AT ", a name, a blank, a sign, digits, a point, 9
// digits.
bool is_at_head(std::string_view head) {
  if (!head.starts_with("AT ") || head.size() < 3 + 1 + 1 + 2 + 1 + kFraction) return false;
  const std::size_t blank = head.rfind(' ');
  if (blank < 4) return false;
  const std::string_view difference = head.substr(blank + 1);
  if (difference.size() < 3 + kFraction || (difference[0] != '+' && difference[0] != '-')) return false;
  if (difference[difference.size() - kFraction - 1] != '.') return false;
  for (const char c : difference.substr(difference.size() - kFraction)) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

// Reads the AT line at the start of `bytes`; it must end with `tail`. The length includes the line end.
Reading read_at_line(std::string_view bytes, std::string_view tail) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return {Verdict::kPartial, 0};
  const std::string_view line = bytes.substr(0, end);
  if (line.size() <= tail.size() + 1 || !line.ends_with(tail)) return {Verdict::kWrong, 0};
  const std::string_view before = line.substr(0, line.size() - tail.size());
  if (before.back() != ' ' || !is_at_head(before.substr(0, before.size() - 1))) return {Verdict::kWrong, 0};
  return {Verdict::kComplete, end + 1};
}

class Iamat : public Dialect {
 public:
  explicit Iamat(const Options& options) : options_(options) {}

  char* write_request(char* at, Sequence& sequence, Expected& expected) override {
    at = put_text(at, "IAMAT ");
    const char* const begin = at;
    at = put_report(at, sequence, options_);
    expected.remember({begin, static_cast<std::size_t>(at - begin)});
    *at++ = '\n';
    return at;
  }

  Reading read(std::string_view bytes, const Expected& expected) override {
    return read_at_line(bytes, expected.view());
  }

 private:
  const Options& options_;
};

// Queries clients that were reported before: client i is at point i. The document is checked for its braces, its status
// and its end; other tests check its content.
class Whatsat : public Dialect {
 public:
  explicit Whatsat(const Options& options)
      : tail_(" " + std::to_string(options.radius) + " " + std::to_string(options.results) + "\n"),
        base_(options.client_base),
        id_bytes_(options.id_bytes) {}

  char* write_request(char* at, Sequence& sequence, Expected& expected) override {
    at = put_text(at, "WHATSAT ");
    const char* const begin = at;
    at = put_id(at, base_ + static_cast<std::uint32_t>(take_point(sequence)), id_bytes_);
    expected.remember({begin, static_cast<std::size_t>(at - begin)});
    return put_text(at, tail_);
  }

  Reading read(std::string_view bytes, const Expected& expected) override {
    const std::size_t end = bytes.find("\n\n");
    if (end == std::string_view::npos) return {Verdict::kPartial, 0};
    const std::string_view reply = bytes.substr(0, end);
    const std::size_t line = reply.find('\n');
    if (line == std::string_view::npos || !is_about(reply.substr(0, line), expected.view()))
      return {Verdict::kWrong, 0};
    const std::string_view document = reply.substr(line + 1);
    const bool complete = document.starts_with('{') && document.ends_with('}') &&
                          (document.find("\"OK\"") != std::string_view::npos ||
                           document.find("\"ZERO_RESULTS\"") != std::string_view::npos);
    return complete ? Reading{Verdict::kComplete, end + 2} : Reading{Verdict::kWrong, 0};
  }

 private:
  static bool is_about(std::string_view line, std::string_view client) {
    const std::size_t at = line.find(client);
    return at != std::string_view::npos && at > 0 && line[at - 1] == ' ' && is_at_head(line.substr(0, at - 1)) &&
           line.substr(at + client.size()).starts_with(' ');
  }

  std::string tail_;
  std::uint32_t base_;
  std::size_t id_bytes_;
};

}  // namespace

std::unique_ptr<Dialect> make_at_dialect(const Options& options) {
  if (options.mode == Mode::kWhatsat) return std::make_unique<Whatsat>(options);
  return std::make_unique<Iamat>(options);
}

}  // namespace herd::bench

// A session with all commands in any chunks. Its client reads the output in any pieces, while the store changes, time
// passes and queries go on. Nothing asserts, the output is bounded, each line of it has a form of docs/PROTOCOL.md, the
// numbers of a watch never descend, and a connection that has ended and is read leaves nothing.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "node/base/limits.hpp"
#include "protocol/assert.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using herd::fuzz::Input;

namespace {

constexpr std::array<std::string_view, 6> kClients{"a", "ab", "b", "c*", "d=1", "e"};
constexpr std::array<std::string_view, 8> kPlaces{
    "+1+2", "+1.01+2", "+1-179.99", "-1+180/", "+90-20", "-90+0.000", "+1.0000001+2.00000004", "+0+0"};
constexpr std::array<std::string_view, 6> kKilometres{"0", "0.5", "1.2", "150", "20016", "20016.1"};
constexpr std::array<std::string_view, 5> kTags{"t", "u", "v.-_", "%", "0123456789abcdef0123456789abcdef0"};
constexpr std::array<std::string_view, 16> kOptions{" match=a*",
                                                    " match=*",
                                                    " match=a",
                                                    " newer=5",
                                                    " after=0",
                                                    " slack=1",
                                                    " dwell=1",
                                                    " every=2",
                                                    " beat=5",
                                                    " beat=4",
                                                    " from=0000000000000001:1",
                                                    " from=0000000000000001:9",
                                                    " x=1",
                                                    " every=2",
                                                    " from=00000000000000ff:1",
                                                    " dwell=0.000000001"};
constexpr std::array<std::string_view, 9> kWords{"PING", "PING x",    "INFO", "HELP", "HELP WATCH",
                                                 "WHY",  "HELP NONE", "",     "foo"};
// How the lines of replies begin. A document is in braces.
constexpr std::array<std::string_view, 12> kBeginnings{"AT ",  "IS ",       "END ", "COUNT ", "PONG", "INFO ",
                                                       "WHY ", "WATCHING ", "? ",   "! ",     "{",    "\n"};

template <std::size_t kSize>
std::string choice(Input& input, const std::array<std::string_view, kSize>& choices) {
  return std::string(choices[input.below(kSize)]);
}

std::string centre(Input& input) {
  return input.below(2) == 0 ? choice(input, kClients) : choice(input, kPlaces);
}

std::string area(Input& input) {
  if (input.below(2) == 0) return "NEAR " + centre(input) + ' ' + choice(input, kKilometres);
  const std::string corner = choice(input, kPlaces);
  return "WITHIN " + corner + ' ' + choice(input, kPlaces);
}

std::string options(Input& input) {
  std::string text;
  for (std::size_t count = input.below(3); count > 0; --count) text += choice(input, kOptions);
  return text;
}

std::string watched(Input& input) {
  switch (input.below(4)) {
    case 0:
      return "ALL";
    case 1:
      return "CLIENT " + choice(input, kClients);
    default:
      return area(input);
  }
}

std::string line(Input& input) {
  switch (input.below(8)) {
    case 0:
    case 1: {
      const std::string client = choice(input, kClients);
      return "IAMAT " + client + ' ' + choice(input, kPlaces) + ' ' + std::to_string(1'520'023'900 + input.byte());
    }
    case 2:
      return "WHATSAT " + choice(input, kClients) + " 1 " + std::to_string(input.below(3));
    case 3:
      return area(input) + ' ' + std::to_string(input.below(4)) + options(input);
    case 4:
      return "COUNT " + area(input) + options(input);
    case 5: {
      const std::string tag = choice(input, kTags);
      return "WATCH " + tag + ' ' + watched(input) + options(input);
    }
    case 6:
      return input.below(2) == 0 ? "UNWATCH " + choice(input, kTags) : "WHEREIS " + choice(input, kClients);
    default:
      return choice(input, kWords);
  }
}

// Stops work after some steps.
class Steps : public herd::node::area::Slice {
 public:
  explicit Steps(std::size_t steps) : left_(steps) {}
  [[nodiscard]] bool is_over() override { return left_ == 0 || --left_ == 0; }

 private:
  std::size_t left_;
};

struct Run : OneSession {
  struct Waiter : Asking::Asker {
    Waiter(Session& of, ReplyQueue::SlotId at) : session(of), slot(at) {}
    [[nodiscard]] bool is_gone() const override { return false; }
    void answer(std::string text) override { session.answer(slot, text, Session::Answer::Query); }
    Session& session;
    ReplyQueue::SlotId slot;
  };

  void receive(std::size_t most) {
    if (input_.empty() || has_ended_ || !session.wants_bytes()) return;
    std::string chunk = input_.substr(0, std::min(most, memory.read_bytes()));
    input_.erase(0, chunk.size());
    session.receive(chunk);
    begin();
  }
  void begin() {
    Session::Begun begun = session.take_outstanding();
    for (const Lookup& lookup : begun.lookups) session.answer(lookup.slot, kDocument);
    for (PendingQuery& pending : begun.queries) {
      asking.wait(std::move(pending.running), std::make_unique<Waiter>(session, pending.slot));
    }
  }
  // The end of a loop iteration.
  void iterate(std::size_t steps) {
    (void)asking.work();
    (void)asking.take_due();
    Steps slice(steps);
    (void)session.write_events(slice);
    HERD_ASSERT(session.output().size() <= 2 * kMaxOutputBytes);
    begin();
  }
  void read(std::size_t most) {
    if (session.output().empty()) return;
    const std::string part(session.output().substr(0, most));
    session.sent(part.size());
    read_ += part;
    for (std::size_t end = read_.find('\n'); end != read_.npos; end = read_.find('\n')) {
      check(read_.substr(0, end + 1));
      read_.erase(0, end + 1);
    }
    begin();
  }
  void check(const std::string& text) {
    const auto begins = [&](std::string_view beginning) { return text.starts_with(beginning); };
    const bool is_help = text[0] >= 'A' && text[0] <= 'Z';  // HELP: each line begins with a command
    HERD_ASSERT(is_help || std::any_of(kBeginnings.begin(), kBeginnings.end(), begins));
    if (text.starts_with("WATCHING ")) numbers_.erase(text.substr(9, text.find(' ', 9) - 9));
    if (!text.starts_with("! ")) return;
    const std::size_t number_at = text.find(' ', 2) + 1;
    const std::size_t kind_at = text.find(' ', number_at) + 1;
    HERD_ASSERT(number_at > 3 && kind_at > number_at + 1 && text[kind_at] >= 'A' && text[kind_at] <= 'Z');
    const std::uint64_t number = std::stoull(text.substr(number_at, kind_at - number_at));
    std::uint64_t& last = numbers_[text.substr(2, number_at - 3)];
    HERD_ASSERT(number >= last);
    last = number;
  }
  void report(Input& input) {
    const std::string client = choice(input, kClients);
    if (input.below(8) == 0) {
      (void)node.replica.reset(client, node.now);
    } else {
      const std::int64_t time = 1'520'023'900 + input.byte();
      const std::string text = std::to_string(time);
      (void)node.replica.accept({client, choice(input, kPlaces), text, std::chrono::seconds(time)}, node.now);
    }
  }
  void end() {
    if (!std::exchange(has_ended_, true)) session.receive_end();
    begin();
  }

  std::string input_;                             // that the client has not sent
  std::string read_;                              // without a line end
  std::map<std::string, std::uint64_t> numbers_;  // the last of each watch, by tag
  bool has_ended_ = false;
};

void step(Run& run, Input& input) {
  switch (input.below(8)) {
    case 0:
    case 1:
      run.input_ += line(input) + (input.below(4) == 0 ? "\r\n" : "\n");
      break;
    case 2:
      run.receive(1 + input.byte());
      break;
    case 3:
      run.iterate(1 + input.byte());
      break;
    case 4:
      run.read(1 + std::size_t{input.byte()} * 4);
      break;
    case 5:
      run.report(input);
      break;
    case 6:
      run.node.now.steady += std::chrono::milliseconds(10 * input.byte());
      run.node.now.wall += 1s;
      break;
    default:
      run.receive(SIZE_MAX);
      run.iterate(SIZE_MAX);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Run run;
  while (!input.empty()) step(run, input);
  for (int turn = 0; turn < 1'000 && !run.input_.empty(); ++turn) {
    run.receive(kReadBufferBytes);
    run.iterate(SIZE_MAX);
    run.read(SIZE_MAX);
  }
  run.end();
  for (int turn = 0; turn < 1'000 && run.session.ending() == Session::Ending::NotYet; ++turn) {
    run.iterate(SIZE_MAX);
    run.read(SIZE_MAX);
  }
  HERD_ASSERT(run.session.ending() != Session::Ending::NotYet && run.read_.empty());
  HERD_ASSERT(run.asking.watch_counters().watches == 0 && run.asking.watch_counters().members == 0);
  return 0;
}

#include "node/observe/log_output.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/catch.hpp"
#include "tests/node/file_size_limit.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/standard_error_to.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kSmallRing = std::size_t{64} * 1024;

std::string report(std::uint64_t lines, std::string_view reason) {
  return "DROPPED " + std::to_string(lines) + " " + std::string(reason) + "\n";
}

std::string read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// A log with a pipe or a socket as its standard error. The test decides when it is read.
class OneOutput {
 public:
  enum class Kind { Pipe, Socket };
  // To make it full, it is filled with LFs, which the reader gets first.
  explicit OneOutput(Kind kind, bool is_full = true, std::size_t ring = kSmallRing) {
    std::signal(SIGPIPE, SIG_IGN);  // as in a node
    std::array<int, 2> ends{};
    REQUIRE((kind == Kind::Pipe ? pipe2(ends.data(), O_CLOEXEC)
                                : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data())) == 0);
    reading_ = ends[0];
    writing_ = ends[1];
    const StandardErrorTo redirected(fcntl(writing_, F_DUPFD_CLOEXEC, 3));
    auto target = LogTarget::standard_error();
    REQUIRE(target);
    if (is_full) fill();
    output_ = std::make_unique<LogOutput>(std::move(*target), report, ring);
  }
  ~OneOutput() {
    close_reader();
    close(writing_);
  }
  LogOutput* operator->() { return output_.get(); }
  [[nodiscard]] int writing() const { return writing_; }
  void close_reader() {
    if (reading_ >= 0) close(reading_);
    reading_ = -1;
  }
  // Reads until `is_all` accepts the text, at most for ten seconds. Returns the text so far.
  template <typename IsAll>
  std::string read_until(const IsAll& is_all) {
    std::string text;
    fcntl(reading_, F_SETFL, O_NONBLOCK);  // the flags of the reader's end
    (void)wait_until([&] {
      std::array<char, 65536> piece{};
      const auto size = read(reading_, piece.data(), piece.size());
      if (size > 0) text.append(piece.data(), static_cast<std::size_t>(size));
      return is_all(text);
    });
    return text;
  }
  std::string read_to(std::string_view end) {
    return read_until([end](const std::string& text) { return text.ends_with(end); });
  }
  // Pushes numbered lines until `dropped` of them were dropped. Returns the number of lines pushed.
  int push_until_dropped(std::uint64_t dropped) {
    int pushed = 0;
    while (output_->dropped() < dropped) output_->push("line " + std::to_string(pushed++) + "\n");
    return pushed;
  }

 private:
  void fill() {
    fcntl(writing_, F_SETFL, O_NONBLOCK);
    while (write(writing_, "\n", 1) == 1) {
    }
    fcntl(writing_, F_SETFL, 0);
  }

  int reading_ = -1;
  int writing_ = -1;
  std::unique_ptr<LogOutput> output_;
};

std::string lines_up_to(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

// The number of numbered lines that the text accounts for: each is present or counted by a drop report. -1 if a line is
// missing without a report, or occurs twice.
int accounted(const std::string& text) {
  int next = 0;
  std::istringstream lines(text);
  for (std::string word; lines >> word;) {
    int number = 0;
    lines >> number;
    std::getline(lines, word);
    if (word == " they were not written as fast as they came") {
      next += number;
    } else if (number == next) {
      ++next;
    } else {
      return -1;
    }
  }
  return next;
}

TEST_CASE("lines are written in order, each once, and finish() waits for them") {
  const ScratchDir scratch;
  const auto file = scratch.path() / "log";
  auto target = LogTarget::file(file);
  REQUIRE(target);
  LogOutput output(std::move(*target), report, kLogRingBytes);
  for (int i = 0; i < 5'000; ++i) output.push("line " + std::to_string(i) + "\n");
  output.finish(10s);
  CHECK(read_file(file) == lines_up_to(5'000));
  CHECK(output.dropped() == 0);
  CHECK(output.is_settled(output.pushed()));
}

TEST_CASE("a stalled reader costs lines but no time; later it gets the waiting lines and the number of dropped ones") {
  OneOutput output(GENERATE(OneOutput::Kind::Pipe, OneOutput::Kind::Socket));
  const auto begin = Clock::now();
  const int pushed = output.push_until_dropped(1'000);
  CHECK(Clock::now() - begin < 5s);
  CHECK_FALSE(output->is_settled(output->pushed()));
  const std::string text =
      output.read_until([&](const std::string& all) { return all.ends_with('\n') && accounted(all) == pushed; });
  CHECK(accounted(text) == pushed);
  CHECK(wait_until([&] { return output->is_settled(output->pushed()); }));
  CHECK(output->dropped() == 1'000);
  output->push("after\n");
  CHECK(output.read_to("after\n") == "after\n");
}

TEST_CASE("the flags of a standard error that other processes share are not changed") {
  OneOutput output(OneOutput::Kind::Pipe);
  output.push_until_dropped(1);
  CHECK((fcntl(output.writing(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a line longer than PIPE_BUF arrives complete") {
  OneOutput output(GENERATE(OneOutput::Kind::Pipe, OneOutput::Kind::Socket), false, kLogRingBytes);
  const std::string line(300'000, 'x');
  output->push(line + "\n");
  output->push("after\n");
  CHECK(output.read_to("after\n") == line + "\nafter\n");
}

TEST_CASE("finish() waits for a blocked output no longer than its patience") {
  OneOutput output(OneOutput::Kind::Pipe);
  output.push_until_dropped(1);
  const auto begin = Clock::now();
  output->finish(200ms);
  CHECK(Clock::now() - begin >= 200ms);
  CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("without a reader, lines are dropped and counted after a second, although they fit the ring") {
  OneOutput output(OneOutput::Kind::Pipe, false);
  output.close_reader();
  output->push("lost\n");
  output->push("lost as well\n");
  CHECK(wait_until([&] { return output->dropped() == 2; }));
  CHECK(output->is_settled(output->pushed()));
  const auto begin = Clock::now();
  output->push("lost at the end\n");
  output->finish(10s);
  CHECK(output->dropped() == 3);
  CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("a full disk costs lines; when it has space again, the log reports how many and why") {
  const ScratchDir scratch;
  const auto file = scratch.path() / "log";
  auto target = LogTarget::file(file);
  REQUIRE(target);
  LogOutput output(std::move(*target), report, kSmallRing);
  output.push("before\n");
  REQUIRE(wait_until([&] { return output.is_settled(output.pushed()); }));
  {
    const FileSizeLimit full(10);  // three bytes of the next line still fit
    output.push("first\n");
    output.push("second\n");
    REQUIRE(wait_until([&] { return output.dropped() == 2; }));
    CHECK(read_file(file) == "before\nfir");
    output.push("third\n");
    REQUIRE(wait_until([&] { return output.dropped() == 3; }));
  }
  REQUIRE(wait_until([&] { return read_file(file).ends_with("large\n"); }));
  output.push("after\n");
  output.finish(10s);
  CHECK(read_file(file) == "before\nfir\n" + report(3, "File too large") + "after\n");
}

TEST_CASE("a disk that is full for a moment costs no lines") {
  const ScratchDir scratch;
  const auto file = scratch.path() / "log";
  auto target = LogTarget::file(file);
  REQUIRE(target);
  LogOutput output(std::move(*target), report, kSmallRing);
  {
    const FileSizeLimit full(3);
    output.push("first\n");
    REQUIRE(wait_until([&] { return read_file(file) == "fir"; }));
  }
  output.push("second\n");
  REQUIRE(wait_until([&] { return output.is_settled(output.pushed()); }));
  CHECK(output.dropped() == 0);
  CHECK(read_file(file) == "first\nsecond\n");
}

TEST_CASE("a log file that was moved or removed is opened again, and a truncated one is continued") {
  const ScratchDir scratch;
  const auto file = scratch.path() / "log";
  auto target = LogTarget::file(file);
  REQUIRE(target);
  LogOutput output(std::move(*target), report, kSmallRing);
  const auto arrives = [&](const std::string& line) {
    return wait_until([&] {
      output.push(line);
      return read_file(file).find(line) != std::string::npos;
    });
  };
  REQUIRE(arrives("one\n"));
  std::filesystem::rename(file, scratch.path() / "log.1");
  CHECK(arrives("two\n"));
  CHECK(read_file(file).find("one") == std::string::npos);
  std::filesystem::remove(file);
  CHECK(arrives("three\n"));
  REQUIRE(wait_until([&] { return output.is_settled(output.pushed()); }));
  std::ofstream(file, std::ios::trunc).flush();
  CHECK(arrives("four\n"));
  CHECK(read_file(file).starts_with("four\n"));
}

TEST_CASE("a log file without its directory stays in use") {
  const ScratchDir scratch;
  const auto directory = scratch.path() / "logs";
  std::filesystem::create_directory(directory);
  auto target = LogTarget::file(directory / "log");
  REQUIRE(target);
  LogOutput output(std::move(*target), report, kSmallRing);
  std::filesystem::rename(directory, scratch.path() / "moved");
  CHECK(wait_until([&] {
    output.push("line\n");
    return read_file(scratch.path() / "moved" / "log").find("line") != std::string::npos;
  }));
  CHECK(output.dropped() == 0);
}

TEST_CASE("a pipe without a reader is refused as a log file, without waiting for a reader") {
  const ScratchDir scratch;
  const auto path = scratch.path() / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const auto target = LogTarget::file(path);
  REQUIRE_FALSE(target);
  CHECK(target.error().message.find(path.string()) != std::string::npos);
}

TEST_CASE("write_all() writes all of its text, or gives up if it is not read") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const StandardErrorTo redirected(ends[1]);
  auto target = LogTarget::standard_error();
  REQUIRE(target);
  const auto begin = Clock::now();
  target->write_all(std::string(200'000, 'x'), 100ms);
  CHECK(Clock::now() - begin >= 100ms);
  CHECK(Clock::now() - begin < 5s);
  std::string text(200'000, ' ');
  const auto size = read(ends[0], text.data(), text.size());
  CHECK(size >= 4096);
  target->write_all("all of it", 10s);
  CHECK(read(ends[0], text.data(), text.size()) == 9);
  close(ends[0]);
}

}  // namespace
}  // namespace herd::node

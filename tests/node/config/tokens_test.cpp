#include "node/config/tokens.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/token_file.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

struct File {
  ScratchDir scratch;

  [[nodiscard]] std::filesystem::path path() const { return scratch.path() / "tokens.toml"; }
  [[nodiscard]] auto load() const {
    Config config;
    config.clients.auth = Authentication::Token;
    config.clients.tokens = path();
    return load_tokens(config);
  }
  [[nodiscard]] auto load(const std::string& text, mode_t mode = 0600) const {
    write_tokens(path(), text, mode);
    return load();
  }
  // The lines of the Error, without the name of the file.
  [[nodiscard]] std::vector<std::string> mistakes(const std::string& text, mode_t mode = 0600) const {
    const auto loaded = load(text, mode);
    REQUIRE_FALSE(loaded);
    std::vector<std::string> lines;
    std::istringstream all(loaded.error().message);
    for (std::string line; std::getline(all, line);) {
      REQUIRE(line.starts_with(path().string() + ":"));
      lines.push_back(line.substr(path().string().size() + 1));
    }
    return lines;
  }
};

}  // namespace

TEST_CASE("the file of tokens gives each its name, rights and end") {
  const File file;
  const auto table = file.load(token_entry({.name = "fleet", .text = "herd_1", .tell = {"truck-*"}, .see = {"*"}}) +
                               token_entry({.name = "board",
                                            .text = "herd_2",
                                            .tell = {},
                                            .see = {"a", "b*"},
                                            .level = "events",
                                            .more = "expires = \"2001-09-09T01:46:40Z\"\n"}));
  REQUIRE(table);
  CHECK((*table)->size() == 2);
  const auto fleet = (*table)->find("herd_1", 0s);
  REQUIRE(fleet);
  CHECK(fleet->name == "fleet");
  CHECK(fleet->tell.text() == "truck-*");
  CHECK(fleet->see.text() == "*");
  CHECK(fleet->level == TokenLevel::All);
  const auto board = (*table)->find("herd_2", 0s);
  REQUIRE(board);
  CHECK(board->tell.empty());
  CHECK(board->level == TokenLevel::Events);
  CHECK(board->expires == 1'000'000'000s);
}

TEST_CASE("a file without tokens is valid: no token is right") {
  const File file;
  CHECK(file.load("").value()->size() == 0);
}

TEST_CASE("a file of tokens that others may use, or that is absent, is refused with the remedy") {
  const File file;
  CHECK(file.mistakes("", 0640) ==
        std::vector<std::string>{"1: the file may be used by others (mode 0640): chmod 600 it"});
  std::filesystem::remove(file.path());
  CHECK(file.load().error().message ==
        file.path().string() + ":1: there is no such file: run scripts/herd token new NAME");
}

TEST_CASE("the file of tokens is not read if nothing needs tokens") {
  CHECK(load_tokens(Config()).value() == nullptr);
}

TEST_CASE("each mistake in a file of tokens is one line, and none repeats a hash") {
  const File file;
  const std::string good = token_entry({.name = "a", .text = "herd_1"});
  using Lines = std::vector<std::string>;
  CHECK(file.mistakes(good + token_entry({.name = "a", .text = "herd_2"})) ==
        Lines{"8: [[token]] `name` is \"a\", as in line 1: write another name"});
  CHECK(file.mistakes(good + token_entry({.name = "b", .text = "herd_1"})) ==
        Lines{"9: [[token]] `sha256` is also that of line 1: run scripts/herd token new NAME"});
  CHECK(file.mistakes("[[token]]\nname = \"a b\"\nsha256 = \"herd_secret\"\ntell = [\"a b\"]\nsee = 1\n") ==
        Lines{"1: [[token]] has no `level`: add it",
              "2: [[token]] `name` is not a name: write 1 to 63 letters, digits, _ or -",
              std::string("3: [[token]] `sha256` is not a SHA-256 hash, 64 lower-case hexadecimal digits: run ") +
                  "scripts/herd token new NAME",
              std::string("4: [[token]] `tell` has the pattern \"a b\": write an id of 1 to 255 bytes without ") +
                  "blanks and commas, such a beginning of ids and *, or * for every client",
              "5: [[token]] `see` is an integer: write a list of strings, [\"...\", \"...\"]"});
  CHECK(file.mistakes(token_entry({.name = "a", .text = "x", .level = "al"}))
            .front()
            .starts_with("6: [[token]] `level` is \"al\""));
  CHECK(file.mistakes("[[token]\n").front().starts_with("1: TOML syntax error"));
  CHECK(file.mistakes(good + "tells = 1\n") == Lines{"7: [[token]] unknown key `tells` (did you mean \"tell\"?)"});
}

TEST_CASE("the end of a token is a time in UTC that exists") {
  const File file;
  const auto ends = [&](const std::string& text) {
    return file.load(token_entry({.name = "a", .text = "x", .more = fmt::format("expires = \"{}\"\n", text)}));
  };
  CHECK(ends("2028-02-29T23:59:59Z"));
  CHECK(ends("1970-01-01T00:00:00Z").value()->find("x", 0s) == nullptr);
  for (const char* wrong : {"2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01",
                            "2027-01-01T00:00:60Z", "2027-01-01T00:00:00", "2027-01-01T00:00:00Z ",
                            "1969-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "2027-1-1T00:00:00Z", ""}) {
    INFO(wrong);
    CHECK_FALSE(ends(wrong));
  }
}

TEST_CASE("the number of tokens has a bound") {
  const File file;
  std::string text;
  for (std::size_t i = 0; i < kMaxTokens; ++i) {
    text += token_entry({.name = fmt::format("t{}", i), .text = fmt::to_string(i)});
  }
  CHECK(file.load(text).value()->size() == kMaxTokens);
  CHECK(file.mistakes(text + token_entry({.name = "one", .text = "more"}))
            .front()
            .starts_with("6001: [[token]] number 1001: a node has at most 1000 tokens"));
}

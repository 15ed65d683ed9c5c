// Reads the command lines of the examples: options of the form --name VALUE, then words. One thread.
#pragma once

#include <cstdlib>
#include <herd/client.hpp>
#include <herd/tls.hpp>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace example {

class Arguments {
 public:
  // `known`: the names of the options. Error, Argument, for another one.
  Arguments(int count, char** words, const std::vector<std::string>& known) {
    bool has_options = true;  // until the word --
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      if (has_options && word == "--") {
        has_options = false;
      } else if (has_options && word == "--help") {
        is_help_ = true;
      } else if (!has_options || word.rfind("--", 0) != 0) {
        words_.push_back(word);
      } else {
        const std::string name = word.substr(2);
        if (std::find(known.begin(), known.end(), name) == known.end() || ++i == count) {
          throw herd::Error(herd::ErrorKind::Argument, "unknown option, or no value: " + word + " (try --help)");
        }
        options_[name] = words[i];
      }
    }
  }

  [[nodiscard]] bool is_help() const { return is_help_; }

  [[nodiscard]] std::string option(const std::string& name, const std::string& otherwise = "") const {
    const auto found = options_.find(name);
    return found == options_.end() ? otherwise : found->second;
  }

  // Error, Argument, if there are too few words.
  [[nodiscard]] const std::string& word(std::size_t at) const {
    if (at < words_.size()) return words_[at];
    throw herd::Error(herd::ErrorKind::Argument, "an operand is missing (try --help)");
  }

  // The nodes from words[first] on, the token of the environment, and TLS with --ca.
  [[nodiscard]] herd::Options options(std::size_t first) const {
    herd::Options options;
    for (std::size_t at = first; at == first || at < words_.size(); ++at) options.nodes.push_back(word(at));
    if (const char* token = std::getenv("HERD_TOKEN")) options.token = token;
    if (!option("ca").empty()) options.transport = herd::tls({option("ca"), ""});
    return options;
  }

 private:
  bool is_help_ = false;
  std::map<std::string, std::string> options_;
  std::vector<std::string> words_;
};

// Error, Argument, unless the whole text is a number.
inline double number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() && *end == '\0') return value;
  throw herd::Error(herd::ErrorKind::Argument, text + " is not a number (try --help)");
}

// A point such as 34.07,-118.44; anything else is the id of a client.
inline herd::Centre centre(const std::string& text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos) return text;
  return herd::Point{number(text.substr(0, comma)), number(text.substr(comma + 1))};
}

// Runs an example: prints its usage with --help, or its error. Returns the exit status.
template <typename Run>
int run(const char* usage, int count, char** words, const std::vector<std::string>& known, const Run& example) {
  try {
    const Arguments arguments(count, words, known);
    if (arguments.is_help()) {
      std::cout << usage;
    } else {
      example(arguments);
    }
    return 0;
  } catch (const herd::Error& error) {
    std::cerr << words[0] << ": " << error.what() << '\n';
    return error.kind() == herd::ErrorKind::Argument ? 2 : 1;
  }
}

}  // namespace example

// The key of a places service, kept apart from ordinary text: nothing prints it, and what comes back from the service
// passes redact() before anybody sees it. It comes from the environment or a file that only its owner may read, never
// from a command line, which every user of a machine can see. Reading is for the thread that starts the node; the key
// itself is a value.
#pragma once

#include <filesystem>
#include <string>

#include "protocol/result.hpp"

namespace herd::node::places {

class ApiKey {
 public:
  // Shorter ones are none: no service gives out such keys, and replacing one in a text would spoil the text.
  static constexpr std::size_t kMinBytes = 8;
  static constexpr std::size_t kMaxBytes = 512;

  ApiKey() = default;  // none

  // Letters, digits and -._~+/= with at least one letter: so it fits a header, looks the same within JSON and HTML, and
  // is never found in the syntax of either. The Error does not show the text.
  [[nodiscard]] static protocol::Result<ApiKey> parse(std::string text);

  [[nodiscard]] bool empty() const { return text_.empty(); }

  // For requests alone.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& percent_encoded() const { return percent_encoded_; }

  // Replaces the key, plain or percent-encoded, by "[key]" wherever it stands.
  void redact(std::string& text) const;

 private:
  std::string text_;
  std::string percent_encoded_;
};

// Where a key may be.
struct KeySource {
  std::string variable;        // of the environment; it wins
  std::filesystem::path file;  // empty: none
};

// The key, or none and what to do about that: a sentence that goes on after "google has no key: ".
struct FoundKey {
  ApiKey key;
  std::string advice;
};
[[nodiscard]] FoundKey find_key(const KeySource& source);

// The first line of a file that nobody but its owner may read or write. The Error goes on after a file's name: "may be
// read by others, ...".
[[nodiscard]] protocol::Result<ApiKey> read_key_file(const std::filesystem::path& file);

}  // namespace herd::node::places

// The API key of a places service, in a type of its own, so that it is not printed by accident. All text from the
// service must pass redact() before it is shown or logged. The key comes from the environment or from a file that only
// its owner may access, never from a command line, which all users of the machine can read. The thread that starts the
// node reads it; the key itself is a value.
#pragma once

#include <filesystem>
#include <string>

#include "protocol/result.hpp"

namespace herd::node::places {

class ApiKey {
 public:
  // A shorter text is not a key: no service issues such keys, and redacting one would damage other text.
  static constexpr std::size_t kMinBytes = 8;
  static constexpr std::size_t kMaxBytes = 512;

  ApiKey() = default;  // no key

  // Accepts kMinBytes to kMaxBytes letters, digits and -._~+/=, with at least one letter. Such a key fits an HTTP
  // header, is unchanged in JSON and HTML, and cannot match their syntax. The error does not contain the text; it is
  // the end of a sentence that begins with the source of the key.
  [[nodiscard]] static protocol::Result<ApiKey> parse(std::string text);

  [[nodiscard]] bool empty() const { return text_.empty(); }

  // Use these in requests only.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& percent_encoded() const { return percent_encoded_; }

  // Replaces every occurrence of the key, plain or percent-encoded, by "[key]".
  void redact(std::string& text) const;

 private:
  std::string text_;
  std::string percent_encoded_;
};

// The places where find_key() looks for a key.
struct KeySource {
  std::string variable;        // name of an environment variable; it has precedence
  std::filesystem::path file;  // empty: no file
};

// A key; or an empty key and what to do about it. `advice` continues the sentence "google has no key: ".
struct FoundKey {
  ApiKey key;
  std::string advice;
};
[[nodiscard]] FoundKey find_key(const KeySource& source);

// Reads the key from the first line of a regular file. Returns an error if the file is accessible to others than its
// owner, cannot be read, or contains no valid key. The error continues a sentence that begins with the file's name:
// "may be used by others ...".
[[nodiscard]] protocol::Result<ApiKey> read_key_file(const std::filesystem::path& file);

}  // namespace herd::node::places

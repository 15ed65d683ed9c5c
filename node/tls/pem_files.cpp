#include "node/tls/pem_files.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <string>
#include <string_view>
#include <utility>

#include "node/base/small_file.hpp"
#include "node/tls/tls_errors.hpp"

namespace herd::node {
namespace {

using File = TlsFault::File;
template <typename T>
using Read = tl::expected<T, TlsFault>;

constexpr std::size_t kMaxFileBytes = std::size_t{1024} * 1024;  // a chain has some kilobytes
constexpr mode_t kKeyModeLimit = 0640;

tl::unexpected<TlsFault> fault(File file, std::string text) {
  return tl::unexpected(TlsFault{file, std::move(text)});
}

// The content of a PEM file, erased from memory at its end because it may be a key.
struct Content {
  Content() = default;
  Content(Content&&) = default;
  Content& operator=(Content&&) = default;
  ~Content() { OPENSSL_cleanse(text.data(), text.size()); }

  std::string text;
};

// `refused_mode`: the file may have none of these permissions.
Read<Content> read_file(const std::filesystem::path& path, File file, mode_t refused_mode) {
  auto text = read_small_file(path, {.most_bytes = kMaxFileBytes,
                                     .too_long = "is longer than 1 MiB, so it is not a PEM file of a certificate",
                                     .refused_mode = refused_mode,
                                     .wanted_mode = kKeyModeLimit});
  if (!text) return fault(file, text.error().message);
  Content content;
  content.text = std::move(*text);
  return content;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A PEM callback that has no passphrase, and notes that one was wanted: OpenSSL would ask for it on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*to_write*/, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

}  // namespace

Read<std::vector<Certificate>> read_chain(const std::filesystem::path& file) {
  const auto content = read_file(file, File::Certificate, 0);
  if (!content) return tl::unexpected(content.error());
  const Bio bio = reader_of(content->text);
  ERR_clear_error();
  std::vector<Certificate> chain;
  bool was_asked = false;
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, &was_asked)}) {
    chain.push_back(std::move(next));
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::error_code error = take_tls_error();
  if (!is_at_end) {
    return fault(File::Certificate,
                 fmt::format("has a certificate, number {}, that cannot be read ({}): is the file complete?",
                             chain.size() + 1, error.message()));
  }
  if (chain.empty()) return fault(File::Certificate, "contains no certificate in PEM form");
  return chain;
}

Read<PrivateKey> read_private_key(const std::filesystem::path& file) {
  const auto content = read_file(file, File::Key, 07777U & ~kKeyModeLimit);
  if (!content) return tl::unexpected(content.error());
  const Bio bio = reader_of(content->text);
  ERR_clear_error();
  bool was_asked = false;
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &was_asked));
  const std::error_code error = take_tls_error();
  if (key) return key;
  if (was_asked) {
    return fault(File::Key, "has a passphrase: write the key without one (openssl pkey -in FILE -out NEW)");
  }
  return fault(
      File::Key,
      fmt::format("contains no private key in PEM form that can be read ({}): is the file complete?", error.message()));
}

}  // namespace herd::node

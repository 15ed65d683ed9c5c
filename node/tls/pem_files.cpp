#include "node/tls/pem_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

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

// Owns a descriptor.
class Descriptor {
 public:
  // Does not block on a FIFO.
  explicit Descriptor(const std::filesystem::path& file) : fd_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// The content of a PEM file, erased from memory at its end because it may be a key.
struct Content {
  Content() = default;
  Content(Content&&) = default;
  Content& operator=(Content&&) = default;
  ~Content() { OPENSSL_cleanse(text.data(), text.size()); }

  std::string text;
};

// `most_mode`: the file may have no permission that is not in it.
Read<Content> read_file(const std::filesystem::path& path, File file, mode_t most_mode) {
  const Descriptor descriptor(path);
  struct stat found {};
  if (descriptor.get() < 0 || fstat(descriptor.get(), &found) != 0) {
    return fault(file, fmt::format("cannot be read ({})", std::strerror(errno)));
  }
  if (!S_ISREG(found.st_mode)) return fault(file, "is not a regular file");
  if ((found.st_mode & 07777U & ~most_mode) != 0) {
    return fault(file, fmt::format("may be used by others (mode {:04o}): chmod {:o} it", found.st_mode & 07777U,
                                   static_cast<unsigned>(most_mode)));
  }
  Content content;
  content.text.resize(kMaxFileBytes + 1);
  std::size_t size = 0;
  while (size < content.text.size()) {
    const ssize_t count = read(descriptor.get(), content.text.data() + size, content.text.size() - size);
    if (count < 0) return fault(file, fmt::format("cannot be read ({})", std::strerror(errno)));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxFileBytes) return fault(file, "is longer than 1 MiB, so it is not a PEM file of a certificate");
  content.text.resize(size);
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
  const auto content = read_file(file, File::Certificate, 07777);
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
  const auto content = read_file(file, File::Key, kKeyModeLimit);
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

// A file of tokens with any bytes: it is refused with a line for each mistake, or its tokens are within their bounds
// and are not found by a text that is none of them.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/config/tokens.hpp"
#include "protocol/assert.hpp"

using namespace herd::node;

namespace {

// A file in memory with mode 0600, rewritten for each input.
struct File {
  int descriptor = memfd_create("tokens.toml", MFD_CLOEXEC);
  std::string path = "/proc/self/fd/" + std::to_string(descriptor);

  void write(const std::uint8_t* data, std::size_t size) const {
    const bool is_ready = fchmod(descriptor, S_IRUSR | S_IWUSR) == 0 && ftruncate(descriptor, 0) == 0;
    const ssize_t written = pwrite(descriptor, data, size, 0);
    HERD_ASSERT(is_ready && written == static_cast<ssize_t>(size));
  }
};

void check_refusal(std::string_view lines, const std::string& path) {
  while (!lines.empty()) {
    HERD_ASSERT(lines.starts_with(path + ":"));
    const std::size_t end = lines.find('\n');
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const File file;
  file.write(data, size);
  Config config;
  config.clients.auth = Authentication::Token;
  config.clients.tokens = file.path;
  const auto table = load_tokens(config);
  if (!table) {
    check_refusal(table.error().message, file.path);
    return 0;
  }
  HERD_ASSERT((*table)->size() <= kMaxTokens);
  HERD_ASSERT((*table)->find("no token of a corpus", {}) == nullptr);
  return 0;
}

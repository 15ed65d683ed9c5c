// A file of tokens with any bytes: it is refused with a line for each mistake, or its tokens are within their bounds
// and are not found by a text that is none of them.
#include <cstddef>
#include <cstdint>

#include "node/config/tokens.hpp"
#include "protocol/assert.hpp"
#include "tests/fuzz/memory_file.hpp"

using namespace herd::node;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const herd::fuzz::MemoryFile file;
  file.write(data, size);
  Config config;
  config.clients.auth = Authentication::Token;
  config.clients.tokens = file.path();
  const auto table = load_tokens(config);
  if (!table) {
    herd::fuzz::check_mistakes(table.error().message, file.path() + ":");
    return 0;
  }
  HERD_ASSERT((*table)->size() <= kMaxTokens);
  HERD_ASSERT((*table)->find("no token of a corpus", {}) == nullptr);
  return 0;
}

// A message between the loop and the places worker, of any bytes: a query or answers that were read are within their
// bounds and are encoded as the same bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "node/places/messages.hpp"
#include "protocol/assert.hpp"

using namespace herd::node::places;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto query = decode_query(bytes)) {
    HERD_ASSERT(is_askable(query->query));
    HERD_ASSERT(encode(*query).to_string_view() == bytes);
  }
  std::vector<AnswerMessage> answers;
  for (std::string_view left = bytes; !left.empty();) {
    const auto answer = take_answer(left);
    if (!answer) return 0;
    HERD_ASSERT(static_cast<std::size_t>(answer->status) < kStatuses && answer->document.size() <= kMaxDocumentBytes);
    answers.push_back(*answer);
  }
  HERD_ASSERT(encode(answers).to_string_view() == bytes);
  return 0;
}

#include "protocol/name.hpp"

#include <algorithm>

#include "protocol/limits.hpp"

namespace herd::protocol {

static_assert(kMaxNameBytes == 63, "kNameForm names the bound");

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxNameBytes && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace herd::protocol

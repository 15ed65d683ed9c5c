// The rule for names of nodes and herds, in messages, journals and configurations. Pure; any thread.
#pragma once

#include <string_view>

namespace herd::protocol {

// The rule, as the end of a sentence that refuses a name.
inline constexpr std::string_view kNameForm = "write 1 to 63 letters, digits, _ or -";

// Whether `text` is a valid name of a node or herd: 1 to kMaxNameBytes bytes of [A-Za-z0-9_-].
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace herd::protocol

// Compares the rights of tokens. Pure.
#pragma once

#include "node/config/token_table.hpp"

namespace herd::node {

// Whether both permit the same watches. Watches that began with other rights end.
[[nodiscard]] inline bool may_watch_alike(const Token& a, const Token& b) {
  return a.level == b.level && a.see.text() == b.see.text();
}

}  // namespace herd::node

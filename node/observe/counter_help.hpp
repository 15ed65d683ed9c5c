// The help texts of the counters in /metrics: one sentence for an operator per counter of Status::counters. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace herd::node {

// Returns the help text of the counter of that name, such as "iamat_stored". A counter that is not in the table gets a
// text made of its name.
[[nodiscard]] std::string counter_help(std::string_view name);

}  // namespace herd::node

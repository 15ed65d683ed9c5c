// What the model throws when a node broke a promise of docs/PROTOCOL.md, or when a text is not in its form.
#pragma once

#include <stdexcept>
#include <string>

namespace herd::model {

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws Fault unless `holds`. `broken` is the sentence for people.
inline void demand(bool holds, const std::string& broken) {
  if (!holds) throw Fault(broken);
}

}  // namespace herd::model

// A message for a peer, ready to be sent.
#pragma once

#include <memory>
#include <string>

namespace herd::bus {

struct Outgoing {
  std::string header;
  std::shared_ptr<const std::string> body;  // shared with other links where it is the same; nullptr: one frame only
};

}  // namespace herd::bus

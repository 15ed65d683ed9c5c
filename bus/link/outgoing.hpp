// An encoded message for a peer. The bus adds the checksum frame.
#pragma once

#include <memory>
#include <string>

namespace herd::bus {

struct Outgoing {
  std::string header;
  std::shared_ptr<const std::string> body;  // shared by all links that send the same one; nullptr: none
};

}  // namespace herd::bus

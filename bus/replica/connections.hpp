// The connections by which peers' messages come, as far as a replica must know them. The bus implements this with its
// ROUTER, the simulator with its virtual network. Loop thread only.
#pragma once

#include <string>

namespace herd::bus {

class Connections {
 public:
  virtual ~Connections() = default;

  // Sends a message of one frame back over the connection that `route` names. It is dropped where too many wait there
  // already. False: that connection is closed.
  [[nodiscard]] virtual bool send_back(const std::string& route, const std::string& header) = 0;

  // The host from which the message comes that the replica hears now; empty if unknown. Only shown to people.
  [[nodiscard]] virtual std::string host() const = 0;
};

}  // namespace herd::bus

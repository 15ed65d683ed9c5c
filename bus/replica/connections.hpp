// The incoming connections of the bus, as an interface for the replica. The bus implements it with its ROUTER, the
// simulator with its virtual network. Loop thread only.
#pragma once

#include <string>

namespace herd::bus {

class Connections {
 public:
  virtual ~Connections() = default;

  // Sends a message without a body back over the connection `route`. It may be dropped if too many messages wait there.
  // False: the connection is closed.
  [[nodiscard]] virtual bool send_back(const std::string& route, const std::string& header) = 0;

  // The host from which the message came that is being received now; empty if unknown. Only shown to people.
  [[nodiscard]] virtual std::string host() const = 0;
};

}  // namespace herd::bus

// Fake connections: a test decides which are closed, and sees the CONFLICTs that were sent back over the others.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bus/replica/connections.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

class FakeConnections : public Connections {
 public:
  struct SentBack {
    std::string route;
    protocol::Conflict conflict;
  };

  std::set<std::string> closed;
  std::vector<SentBack> sent;
  std::string from = "192.0.2.1";

  bool send_back(const std::string& route, const std::string& header) override {
    if (closed.contains(route)) return false;
    sent.push_back({route, std::get<protocol::Conflict>(protocol::decode(header).value())});
    return true;
  }
  [[nodiscard]] std::string host() const override { return from; }
};

}  // namespace herd::bus

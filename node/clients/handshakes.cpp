#include "node/clients/handshakes.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace herd::node {

void Handshakes::Slot::end() {
  if (is_displaced_) return;
  std::erase(all_.slots_, this);
  --address_.handshakes;
}

bool Handshakes::admit(const ClientAddresses::Entry& newcomer) {
  if (newcomer.handshakes >= kMaxHandshakesOfAddress) return false;
  if (slots_.size() < kMaxHandshakes) return true;
  Slot* const oldest =
      *std::ranges::max_element(slots_, {}, [](const Slot* slot) { return slot->address_.handshakes; });
  if (oldest->address_.handshakes < newcomer.handshakes + 2) return false;
  shutdown(oldest->descriptor_, SHUT_RDWR);  // the poll then reports the connection, which closes itself
  oldest->end();
  oldest->is_displaced_ = true;
  return true;
}

}  // namespace herd::node

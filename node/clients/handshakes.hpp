// The TLS handshakes of all connections: the context with which they begin, and how many may be under way. Owned by the
// front end, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "node/base/limits.hpp"
#include "node/clients/client_addresses.hpp"
#include "node/tls/tls_context.hpp"

namespace herd::node {

class Handshakes {
 public:
  // One handshake under way, for which allows() was true; its destructor ends it. Both must outlive it.
  class Slot {
   public:
    Slot(Handshakes& all, ClientAddresses::Entry& address) : all_(all), address_(address) {
      ++all_.under_way_;
      ++address_.handshakes;
    }
    ~Slot() {
      --all_.under_way_;
      --address_.handshakes;
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    Handshakes& all_;
    ClientAddresses::Entry& address_;
  };

  // New handshakes use this context. nullptr: the port does not speak TLS; handshakes under way are not affected.
  void use(std::shared_ptr<const TlsContext> context) { context_ = std::move(context); }
  [[nodiscard]] bool is_on() const { return context_ != nullptr; }
  [[nodiscard]] const TlsContext* context() const { return context_.get(); }

  // Whether the limits allow another handshake of that address.
  [[nodiscard]] bool allows(const ClientAddresses::Entry& address) const {
    return under_way_ < kMaxHandshakes && address.handshakes < kMaxHandshakesOfAddress;
  }

  // Takes one of the kHandshakeStepsInOneGo steps of this loop iteration. Returns false if none is left: try again in
  // the next iteration.
  [[nodiscard]] bool take_step() {
    if (steps_ == kHandshakeStepsInOneGo) return false;
    ++steps_;
    return true;
  }
  void new_iteration() { steps_ = 0; }

  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  std::shared_ptr<const TlsContext> context_;
  std::size_t under_way_ = 0;
  std::size_t steps_ = 0;  // taken in this loop iteration
};

}  // namespace herd::node

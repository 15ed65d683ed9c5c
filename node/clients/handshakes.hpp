// The TLS handshakes of all connections: the context with which they begin, and how many may be under way. Owned by the
// front end, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "node/base/limits.hpp"
#include "node/clients/client_addresses.hpp"
#include "node/tls/tls_context.hpp"

namespace herd::node {

class Handshakes {
 public:
  // One handshake under way, for which admit() was true; its destructor ends it. All must outlive it.
  class Slot {
   public:
    // `descriptor`: the socket of its connection.
    Slot(Handshakes& all, ClientAddresses::Entry& address, int descriptor)
        : all_(all), address_(address), descriptor_(descriptor) {
      all_.slots_.push_back(this);
      ++address_.handshakes;
    }
    ~Slot() { end(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // Another handshake has taken its place. The socket is shut down: its connection is to be closed.
    [[nodiscard]] bool is_displaced() const { return is_displaced_; }

   private:
    friend class Handshakes;

    void end();

    Handshakes& all_;
    ClientAddresses::Entry& address_;
    int descriptor_;
    bool is_displaced_ = false;  // it counts no longer
  };

  // New handshakes use this context. nullptr: the port does not speak TLS; handshakes under way are not affected.
  void use(std::shared_ptr<const TlsContext> context) { context_ = std::move(context); }
  [[nodiscard]] bool is_on() const { return context_ != nullptr; }
  [[nodiscard]] const TlsContext* context() const { return context_.get(); }

  // Whether another handshake of that address may begin. If kMaxHandshakes are under way, the oldest handshake of the
  // address with most of them is displaced, provided that this address then still has as many as the newcomer's or
  // more. O(kMaxHandshakes) in that case, else O(1).
  [[nodiscard]] bool admit(const ClientAddresses::Entry& newcomer);

  // Takes one of the kHandshakeStepsInOneGo steps of this loop iteration. Returns false if none is left: try again in
  // the next iteration.
  [[nodiscard]] bool take_step() {
    if (steps_ == kHandshakeStepsInOneGo) return false;
    ++steps_;
    return true;
  }
  void new_iteration() { steps_ = 0; }

  [[nodiscard]] std::size_t under_way() const { return slots_.size(); }

 private:
  std::shared_ptr<const TlsContext> context_;
  std::vector<Slot*> slots_;  // those under way, oldest first; at most kMaxHandshakes
  std::size_t steps_ = 0;     // taken in this loop iteration
};

}  // namespace herd::node

// Looks up the host names of peers for the bus, each on a thread of its own. So a name server that does not answer
// delays neither the loop nor the lookup of another name, and a lookup that never ends holds one thread, and not the
// end of the process. At most one lookup of each name is under way, so there are at most as many threads as peers.
//
// Owned by the node, and destroyed after the bus. Loop thread only.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/zmq/name_resolver.hpp"
#include "node/base/host_lookup.hpp"

namespace herd::node {

class NameResolver : public bus::NameResolver {
 public:
  // `function` runs on the lookups' threads. Throws std::system_error if the system gives it no descriptor.
  explicit NameResolver(HostLookup::Function function = look_up_host);
  ~NameResolver() override;
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  // Becomes readable when a lookup has ended, until take_answer() is called.
  [[nodiscard]] int descriptor() const;

  // bus::NameResolver. If the system gives no thread, the answer says so.
  void ask(const std::string& host) override;
  [[nodiscard]] std::optional<bus::HostAnswer> take_answer() override;

  [[nodiscard]] std::size_t under_way() const { return lookups_.size(); }

 private:
  // Shared with the lookups' threads, which may outlive the resolver.
  class Ended;

  HostLookup::Function function_;
  std::shared_ptr<Ended> ended_;
  std::vector<std::unique_ptr<HostLookup>> lookups_;  // under way
  std::vector<bus::HostAnswer> refused_;              // the answers to questions for which there was no thread
  bool may_have_answer_ = false;
};

}  // namespace herd::node

// Looks up the host names of peers, as an interface for the bus. A lookup may take long or never end, so it runs
// elsewhere, and its answer comes later. The node implements it with a thread for each question
// (node/app/name_resolver.hpp), tests with a table. Loop thread only. Nothing here blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace herd::bus {

// The end of a lookup.
struct HostAnswer {
  std::string host;
  std::vector<std::string> addresses;  // IP addresses in the order to try them; empty: the lookup failed
  std::string trouble;                 // why it failed, a clause; empty if it did not
};

class NameResolver {
 public:
  virtual ~NameResolver() = default;

  // Begins a lookup. Without effect while one of the same host is under way.
  virtual void ask(const std::string& host) = 0;

  // The next answer; nullopt if there is none now. Cheap: the bus calls it in each loop iteration.
  [[nodiscard]] virtual std::optional<HostAnswer> take_answer() = 0;
};

}  // namespace herd::bus

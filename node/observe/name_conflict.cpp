#include "node/observe/name_conflict.hpp"

#include <fmt/format.h>

#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

std::string refused(const std::string& name, const std::string& peer, const bus::Claimant& other) {
  return fmt::format(
      "another process named {} is linked with {}, at {}: stop one of the two, or give this one another name", name,
      peer, describe(other));
}

}  // namespace

std::string describe(const bus::Claimant& process) {
  return fmt::format("{} (connected from {}, incarnation {})",
                     process.address.empty() ? "an unknown address" : process.address,
                     process.host.empty() ? "an unknown host" : process.host, hexadecimal(process.incarnation));
}

std::string sentence_of(const bus::NameConflict& conflict, const std::string& own_name) {
  using Role = bus::NameConflict::Role;
  switch (conflict.role) {
    case Role::Witness:
      if (conflict.over) return fmt::format("only one process is named {} again", conflict.peer);
      return fmt::format("two processes are named {}: the link stays with {}; {} is refused: stop one of the two",
                         conflict.peer, describe(conflict.holder), describe(conflict.other));
    case Role::Kept:
      if (conflict.over) return fmt::format("no other process claims the name {} any more", own_name);
      return fmt::format("another process claims the name {}, at {}; {} refuses it: stop it or give it another name",
                         own_name, describe(conflict.other), conflict.peer);
    case Role::Refused:
      if (conflict.over) return fmt::format("no peer refuses this process as {} any more", own_name);
      return refused(own_name, conflict.peer, conflict.other) + "; until then it is not ready and acknowledges nothing";
  }
  protocol::unreachable();
}

std::string refused_sentence(const NameConflictStatus& conflict, const std::string& own_name) {
  return refused(own_name, conflict.peer, conflict.other);
}

}  // namespace herd::node

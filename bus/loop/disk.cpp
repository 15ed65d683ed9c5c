#include "bus/loop/disk.hpp"

#include "protocol/unreachable.hpp"

namespace herd::bus {

std::string_view describe(FileState state) {
  switch (state) {
    case FileState::Sound:
      return "its file is sound";
    case FileState::Missing:
      return "its file was removed or renamed";
    case FileState::Replaced:
      return "another file has its name";
    case FileState::Shorter:
      return "its file was truncated";
    case FileState::Longer:
      return "its file is longer than what this node wrote";
    case FileState::Changed:
      return "another program has changed its file";
    case FileState::Unknown:
      return "its file cannot be examined";
  }
  protocol::unreachable();
}

}  // namespace herd::bus

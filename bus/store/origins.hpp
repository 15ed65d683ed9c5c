// The nodes that accepted the records, each with the run that did, kept once. Nodes are few and records many, so a
// record holds a small index; an origin that no record names any more gives its place back, so restarts of nodes do not
// add up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herd::bus {

using OriginIndex = std::uint32_t;

class Origins {
 public:
  struct Origin {
    std::string name;
    std::uint64_t run = 0;   // its incarnation; 0: the record was read from a journal
    std::uint64_t uses = 0;  // records that name it
  };

  // The index of (name, run), used once more. Cost: a scan over the origins in use, newest guess first.
  OriginIndex use(std::string_view name, std::uint64_t run);

  // One record fewer names it.
  void release(OriginIndex index);

  // The records of one run count as those of another from now on.
  void rename_run(std::string_view name, std::uint64_t run, std::uint64_t to);

  [[nodiscard]] const Origin& at(OriginIndex index) const { return origins_[index]; }

 private:
  std::vector<Origin> origins_;
  OriginIndex latest_ = 0;  // found last: updates come in runs of one origin
};

}  // namespace herd::bus

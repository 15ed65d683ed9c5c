// The origins of all records: pairs of a node's name and the run that accepted the record. Nodes are few and records
// are many, so a record holds only an index into this table. Origins are reference-counted: the index of one that no
// record uses any more is given out again, so restarts of nodes do not make the table grow. Pure; owned by the store,
// used on the loop's thread only.
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
    std::uint64_t run = 0;   // the node's incarnation; 0: the record was read from a journal
    std::uint64_t uses = 0;  // how many records use it
  };

  // Returns the index of (name, run) and counts one more use. Tries the origin found last, then all others in order.
  OriginIndex use(std::string_view name, std::uint64_t run);

  // Counts one use fewer. The origin must be in use.
  void release(OriginIndex index);

  // Records that `run` of node `name` accepted count as accepted by run `to` from now on.
  void rename_run(std::string_view name, std::uint64_t run, std::uint64_t to);

  // `index`: from use(). The reference is valid until the next use().
  [[nodiscard]] const Origin& at(OriginIndex index) const { return origins_[index]; }

  // Asserts that each origin is used so often. `uses`: by index; may be shorter than the table. O(origins).
  void check_invariants(const std::vector<std::uint64_t>& uses) const;

 private:
  std::vector<Origin> origins_;
  OriginIndex latest_ = 0;  // found last: consecutive updates often have the same origin
};

}  // namespace herd::bus

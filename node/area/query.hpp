// One NEAR, WITHIN or COUNT from its line to its answer, which docs/PROTOCOL.md describes under "Asking". It owns
// everything that it needs of the line, so the line may go while the query runs.
//
//   Query query({store, index}, near, is_visible);
//   if (query.begin(now.wall) == Query::Begun::Refused) ...          // `? ` and the line; query.reason() is for WHY
//   while (!query.run(slice)) ...                                    // in this loop iteration and later ones
//   send(query.take_answer());
//
// While it runs, clients move and the index follows. The answer is then that of no single moment, but each line is
// right by itself: run() reads each client that the search found once more, and gives its record, distance and bearing
// as they are then. A client that has left the area by then is not in the answer. Nothing moves: the answer is exact.
//
// Pure. Loop thread only. Neither copied nor moved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "node/area/client_filter.hpp"
#include "node/area/slice.hpp"
#include "node/area/sliced_work.hpp"
#include "protocol/clock.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// Why a query is refused of which the centre is not known.
inline constexpr std::string_view kUnknownCentre =
    "the client in the centre is not known: it has not reported, or was reset";

class Query final : public SlicedWork {
 public:
  // Both must exist as long as the query.
  struct Parts {
    const bus::Store& store;
    const AreaIndex& index;
  };
  using Asked = std::variant<protocol::Near, protocol::Within, protocol::Count>;
  Query(const Parts& parts, const Asked& asked, Visible visible);
  ~Query() override;

  enum class Begun : std::uint8_t {
    Running,
    Refused,  // the centre is not known, was reset or is hidden; or the cursor is not one of this query
  };
  // Finds the centre, and reads the cursor. The centre stays where it is now. `newer=` judges by `wall`. Call it once;
  // it does not need the index. At most about 1 us.
  [[nodiscard]] Begun begin(protocol::Nanoseconds wall);
  // Why it is refused. A literal.
  [[nodiscard]] std::string_view reason() const { return reason_; }

  // Only while Running.
  [[nodiscard]] bool run(Slice& slice) override;

  // All lines of the answer.
  [[nodiscard]] std::string take_answer() override;

 private:
  class Work;
  class ListWork;
  class NearWork;
  class WithinWork;
  class CountWork;

  std::unique_ptr<Work> work_;
  std::string_view reason_;
};

}  // namespace herd::node::area

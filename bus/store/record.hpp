// What a node knows of one client, as others may look at it.
#pragma once

#include <cstdint>
#include <string_view>

#include "bus/store/packed_texts.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// Position of a change in one node's feed. 0 is before the first.
using ChangeNumber = std::uint64_t;

// The client, and the fields of the order of rule 1, in the order: of a record or of an update, with views into it.
struct Ordered {
  std::string_view client;
  std::uint32_t epoch = 0;
  protocol::Nanoseconds time{};
  std::string_view origin;
  std::string_view coordinates;
  std::string_view time_text;
  protocol::Nanoseconds difference{};
};

// A client's record, unpacked. `client` and `origin` are views into the store, good until it is next changed.
struct RecordView {
  std::string_view client;
  CoordinatesText coordinates;
  TimeText time_text;
  protocol::Nanoseconds time{};        // the client's own, since 1970
  protocol::Nanoseconds difference{};  // the origin's clock minus the client's time
  std::string_view origin;             // the node that was told
  std::uint32_t epoch = 0;             // how often an operator has reset this client

  [[nodiscard]] Ordered ordered() const& { return {client, epoch, time, origin, coordinates, time_text, difference}; }
};

// The time of a record by which an operator has reset a client; it has no coordinates.
inline constexpr std::string_view kResetTime = "0";

[[nodiscard]] inline bool is_reset(const RecordView& record) {
  return record.coordinates.empty();
}

}  // namespace herd::bus

// The record of a client: its newest accepted update. Here are the views of a record that other code reads; how the
// store holds the bytes is in bus/store/packed_record.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "bus/store/packed_texts.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// Position of a change in one node's feed, from 1. The cursor 0 is the start of the feed.
using ChangeNumber = std::uint64_t;

// The fields by which two records of one client are ordered (docs/PROTOCOL.md, rule 1), most significant first, and the
// client itself, which is not part of the order. The texts are views into a record or an update.
struct Ordered {
  std::string_view client;
  std::uint32_t epoch = 0;
  protocol::Nanoseconds time{};
  std::string_view origin;
  std::string_view coordinates;
  std::string_view time_text;
  protocol::Nanoseconds difference{};
};

// An unpacked record. `client` and `origin` are views into the store, valid until the store changes.
struct RecordView {
  std::string_view client;
  CoordinatesText coordinates;
  TimeText time_text;
  protocol::Nanoseconds time{};        // the client's own time, since 1970
  protocol::Nanoseconds difference{};  // the origin's clock minus the client's time
  std::string_view origin;             // name of the node that the client reported to
  std::uint32_t epoch = 0;             // how often an operator has reset this client

  [[nodiscard]] Ordered ordered() const& { return {client, epoch, time, origin, coordinates, time_text, difference}; }
};

// The time text of a record that an operator's reset made. Such a record has no coordinates.
inline constexpr std::string_view kResetTime = "0";

[[nodiscard]] inline bool is_reset(const RecordView& record) {
  return record.coordinates.empty();
}

}  // namespace herd::bus

#include "bus/update_texts.hpp"

#include "protocol/command.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/time_text.hpp"

namespace herd::bus {

bool read_texts(protocol::Update& update) {
  const auto time = protocol::parse_time(update.time_text);
  if (!time || update.id.number == 0) return false;
  update.time = *time;
  return protocol::is_client_id(update.client) && protocol::check_coordinates(update.coordinates).has_value();
}

}  // namespace herd::bus

#include "bus/store/update_texts.hpp"

#include "bus/store/mutants.hpp"
#include "bus/store/record.hpp"
#include "protocol/command.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/time_text.hpp"

namespace herd::bus {

bool read_texts(protocol::Update& update) {
  const auto time = protocol::parse_time(update.time_text);
  if (!time || update.id.number == 0) return false;
  update.time = *time;
  if (!protocol::is_client_id(update.client)) return false;
  // Empty coordinates are valid only in an operator's reset: time text "0", and an epoch above 0.
  if (update.coordinates.empty() && !mutated(Mutant::ResetNotAccepted)) {
    return (update.time_text == kResetTime && update.epoch > 0) || mutated(Mutant::AnyResetAccepted);
  }
  return protocol::check_coordinates(update.coordinates).has_value();
}

}  // namespace herd::bus

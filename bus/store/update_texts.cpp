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
  // An operator's reset, in exactly this form: a client that has never been reset cannot have lost its coordinates.
  if (update.coordinates.empty() && !mutated(Mutant::ResetNotAccepted)) {
    return (update.time_text == kResetTime && update.epoch > 0) || mutated(Mutant::AnyResetAccepted);
  }
  return protocol::check_coordinates(update.coordinates).has_value();
}

}  // namespace herd::bus

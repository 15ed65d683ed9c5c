#include "node/watches/delays.hpp"

namespace herd::node::watches {

std::optional<Delays::Delay> Delays::find(bus::RecordIndex record) const {
  const auto at = by_record_.find(record);
  if (at == by_record_.end()) return std::nullopt;
  return at->second;
}

void Delays::put(bus::RecordIndex record, Delay delay) {
  erase(record);
  by_record_.emplace(record, delay);
  by_due_.emplace(delay.due, record);
  if (delay.held != 0) by_held_.emplace(delay.held, record);
}

void Delays::erase(bus::RecordIndex record) {
  const auto at = by_record_.find(record);
  if (at == by_record_.end()) return;
  by_due_.erase({at->second.due, record});
  by_held_.erase({at->second.held, record});
  by_record_.erase(at);
}

std::optional<std::pair<bus::RecordIndex, Delays::Delay>> Delays::first() const {
  if (by_due_.empty()) return std::nullopt;
  const bus::RecordIndex record = by_due_.begin()->second;
  return std::pair{record, by_record_.at(record)};
}

std::optional<bus::ChangeNumber> Delays::lowest_held() const {
  if (by_held_.empty()) return std::nullopt;
  return by_held_.begin()->first;
}

}  // namespace herd::node::watches

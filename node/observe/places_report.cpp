#include "node/observe/places_report.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using places::Figures;
using places::ProviderState;

// A resting provider needs an operator. A missing key is the normal state of a new machine.
EventLevel level_of(ProviderState state) {
  switch (state) {
    case ProviderState::Resting:
      return EventLevel::Warning;
    case ProviderState::Ready:
    case ProviderState::Trying:
    case ProviderState::NoKey:
      return EventLevel::Info;
  }
  protocol::unreachable();
}

void publish(Monitor& monitor, const Figures& provider, protocol::Nanoseconds wall) {
  const std::string event = "provider_" + std::string(to_text(provider.state));
  const bool has_reason = provider.state == ProviderState::Resting || provider.state == ProviderState::NoKey;
  monitor.publish({level_of(provider.state), EventKind::Places}, event,
                  std::array<Field, 3>{{{"provider", provider.provider},
                                        {"state", to_text(provider.state)},
                                        {"message", has_reason ? std::string_view(provider.trouble) : ""}}},
                  wall);
}

}  // namespace

void PlacesReport::receive(places::ProviderFigures figures, Monitor* monitor, protocol::Nanoseconds wall) {
  for (const Figures& provider : figures) {
    const auto before = std::find_if(figures_.begin(), figures_.end(),
                                     [&provider](const Figures& known) { return known.provider == provider.provider; });
    const bool changed =
        before == figures_.end() ? provider.state != ProviderState::Ready : provider.state != before->state;
    if (changed && monitor != nullptr) publish(*monitor, provider, wall);
  }
  figures_ = std::move(figures);
}

}  // namespace herd::node

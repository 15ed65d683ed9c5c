// The provider "embedded": the table of places in the binary. It answers at once, needs no network and never fails.
// Used by the worker's thread; owns the index.
#pragma once

#include "node/places/place_index.hpp"
#include "node/places/provider.hpp"

namespace herd::node::places {

class EmbeddedProvider final : public Provider {
 public:
  explicit EmbeddedProvider(PlaceIndex index);

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] std::optional<LookupResult> ask(LookupId lookup, const Query& query, protocol::Nanoseconds deadline,
                                                const protocol::Now& now) override;
  [[nodiscard]] const Figures& figures() const override { return figures_; }

 private:
  PlaceIndex index_;
  Figures figures_;
};

}  // namespace herd::node::places

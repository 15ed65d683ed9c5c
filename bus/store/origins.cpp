#include "bus/store/origins.hpp"

#include "protocol/assert.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

OriginIndex Origins::use(std::string_view name, std::uint64_t run) {
  const auto is = [&](const Origin& origin) {
    return origin.run == run && protocol::same_text(origin.name, name) && origin.uses > 0;
  };
  if (latest_ < origins_.size() && is(origins_[latest_])) {
    ++origins_[latest_].uses;
    return latest_;
  }
  OriginIndex free = static_cast<OriginIndex>(origins_.size());
  for (OriginIndex i = 0; i < origins_.size(); ++i) {
    if (is(origins_[i])) {
      ++origins_[i].uses;
      return latest_ = i;
    }
    if (origins_[i].uses == 0) free = i;
  }
  if (free == origins_.size()) origins_.emplace_back();
  origins_[free] = {std::string(name), run, 1};
  return latest_ = free;
}

void Origins::release(OriginIndex index) {
  HERD_ASSERT(origins_[index].uses > 0);
  --origins_[index].uses;
}

void Origins::check_invariants(const std::vector<std::uint64_t>& uses) const {
  HERD_ASSERT(uses.size() <= origins_.size());
  for (OriginIndex i = 0; i < origins_.size(); ++i) HERD_ASSERT(origins_[i].uses == (i < uses.size() ? uses[i] : 0));
}

void Origins::rename_run(std::string_view name, std::uint64_t run, std::uint64_t to) {
  for (Origin& origin : origins_) {
    if (origin.uses > 0 && origin.run == run && protocol::same_text(origin.name, name)) origin.run = to;
  }
}

}  // namespace herd::bus

#include "tests/bench/load/dialect.hpp"

namespace herd::bench {

std::unique_ptr<Dialect> make_dialect(const Options& options) {
  switch (options.mode) {
    case Mode::kIamat:
    case Mode::kWhatsat:
    case Mode::kHop:
    case Mode::kWatchHop:
      return make_at_dialect(options);
    case Mode::kNear:
    case Mode::kWithin:
      return make_ask_dialect(options);
    case Mode::kSet:
    case Mode::kGeoadd:
    case Mode::kGeosearch:
    case Mode::kGeonear:
    case Mode::kGeobox:
      return make_resp_dialect(options);
    case Mode::kNats:
    case Mode::kNatsHop:
      return make_nats_dialect(options);
  }
  return nullptr;
}

}  // namespace herd::bench

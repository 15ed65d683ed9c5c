#include "tests/model/history.hpp"

#include "tests/model/fault.hpp"

namespace herd::model {

std::string History::run(Totals& totals) {
  std::string fault;
  try {
    for (std::uint64_t steps = 50 + random_.below(200); steps > 0; --steps) step(totals);
    finish(totals);
  } catch (const Fault& found) {
    fault = found.what();
  }
  totals.changes += herd_.changes();
  return fault;
}

void History::step(Totals& totals) {
  herd_.advance(Nanoseconds(random_.between(1, 1'000'000)));
  const std::size_t node = random_.below(herd_.nodes().size());
  const std::uint64_t kind = random_.below(100);
  if (kind < 50) {
    (void)herd_.report(node);
  } else if (kind < 70) {
    (void)herd_.deliver(node);
  } else if (kind < 76) {
    herd_.advance(Nanoseconds(random_.between(1, 20'000'000'000)));
  } else if (kind < 86) {
    herd_.nodes()[node]->follow(1 + random_.below(100));
  } else if (kind < 88) {
    herd_.restart(node);
    ++totals.restarts;
  } else {
    herd_.ask();
    ++totals.questions;
  }
}

// At the end all stores are equal, so all nodes must give equal answers.
void History::finish(Totals& totals) {
  herd_.deliver_all();
  for (int i = 0; i < 10; ++i) herd_.ask();
  totals.questions += 10;
}

}  // namespace herd::model

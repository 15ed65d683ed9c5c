// A random history of a few nodes, their clients, and the questions to them: one seed decides everything. The model
// judges all answers. For tests only.
#pragma once

#include <cstdint>
#include <string>

#include "tests/model/model_herd.hpp"
#include "tests/sim/random.hpp"

namespace herd::model {

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), herd_(random_) {}

  struct Totals {
    std::uint64_t changes = 0;    // of stores
    std::uint64_t questions = 0;  // with all their pages
    std::uint64_t restarts = 0;
  };
  // Runs to the end, adds to `totals`, and returns an empty text, or the first fault.
  [[nodiscard]] std::string run(Totals& totals);

  // The scenario and the last steps, for people.
  [[nodiscard]] std::string story() const { return herd_.story(); }

 private:
  void step(Totals& totals);
  void finish(Totals& totals);

  sim::Random random_;
  ModelHerd herd_;
};

}  // namespace herd::model

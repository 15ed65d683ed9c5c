#include "bus/link/proof_of_durability.hpp"

#include "bus/store/mutants.hpp"

namespace herd::bus {

void ProofOfDurability::durable(ChangeNumber number) {
  if (mutated(Mutant::AnyDurableNumberProves)) proven_ = std::max(proven_, number);
  for (; !tails_.empty() && tails_.front() <= number; tails_.pop_front()) proven_ = tails_.front();
}

}  // namespace herd::bus

#include "bus/link/proof_of_durability.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;

// The example of the header.
TEST_CASE("a durable number proves only the tails that batches have reached") {
  ProofOfDurability proof;
  proof.durable(4);
  CHECK(proof.proven() == 0);
  proof.tail_sent(9);
  proof.durable(7);
  CHECK(proof.proven() == 0);
  proof.durable(9);
  CHECK(proof.proven() == 9);
  proof.tail_sent(11);
  proof.tail_sent(15);
  proof.durable(14);
  CHECK(proof.proven() == 11);
  proof.check_invariants(15);
}

TEST_CASE("batches of a former attempt prove nothing, but what is proven stays") {
  ProofOfDurability proof;
  proof.tail_sent(5);
  proof.durable(5);
  proof.tail_sent(9);
  proof.forget_batches();
  proof.durable(9);
  CHECK(proof.proven() == 5);
  proof.reset();
  CHECK(proof.proven() == 0);
}

TEST_CASE("a proof is awaited while a reply waits for a higher number") {
  ProofOfDurability proof;
  CHECK_FALSE(proof.is_awaited());
  proof.await(5);
  CHECK(proof.is_awaited());
  proof.tail_sent(5);
  proof.durable(5);
  CHECK_FALSE(proof.is_awaited());
}

TEST_CASE("the same tail, sent again by an empty batch, is one proof") {
  ProofOfDurability proof;
  proof.tail_sent(5);
  proof.tail_sent(5);
  proof.check_invariants(5);
  proof.durable(5);
  CHECK(proof.proven() == 5);
}

#include "node/base/random_id.hpp"

#include <random>

namespace herd::node {

std::uint64_t random_id() {
  std::random_device device;
  std::uint64_t id = 0;
  while (id == 0) id = std::uint64_t{device()} << 32 | device();
  return id;
}

}  // namespace herd::node

// The moving clients of the rows that ask and watch: some in cities, the others all over the globe. The same options
// give the same cities and homes in every process, so that one generator asks where another one reports. Used by the
// generator's only thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace herd::bench {

// In millionths of a degree. Within 85 degrees of the equator, the range of Redis.
struct Position {
  std::int32_t latitude = 0;
  std::int32_t longitude = 0;
};

class Fleet {
 public:
  // The first `in_cities` of `clients` are distributed over the cities in turn, each around the centre of its city with
  // a standard deviation of 10 km.
  Fleet(std::uint32_t clients, std::uint32_t cities, std::uint32_t in_cities);

  [[nodiscard]] Position of(std::uint32_t client) const { return positions_[client]; }

  // Moves a client in any direction, as far as 0 to 30 m/s go in 1 to 10 s, and returns its new position.
  Position move(std::uint32_t client);

  // A random point in a random city, distributed as the clients there.
  Position point_in_city();

 private:
  struct Step {
    std::int32_t north = 0;
    std::int32_t east = 0;  // at the equator
  };

  std::uint32_t random();
  double fraction();
  Position around(Position centre);
  Position anywhere(double greatest_latitude);

  std::uint64_t state_ = 0x853c49e6748fea9b;  // of the random numbers
  std::vector<Position> cities_;
  std::vector<Position> positions_;
  std::array<Step, 4096> steps_{};
  std::array<float, 91> widening_{};  // by degree of latitude: degrees of longitude for one at the equator
};

}  // namespace herd::bench

// Where the clients of a random history are, and the areas that are asked about: one region of the globe for each
// history, with crowds on a few points, and points exactly on the borders of areas and one unit beside them. All from
// one seed. For tests only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/model/globe.hpp"
#include "tests/sim/random.hpp"

namespace herd::model {

class Terrain {
 public:
  explicit Terrain(sim::Random& random);

  // Coordinates of a client, as a text with any number of digits.
  [[nodiscard]] std::string coordinates();
  // The same without memory: points of areas.
  [[nodiscard]] std::string spot();
  // Kilometres of a radius; often the exact distance of two points that clients had.
  [[nodiscard]] std::string km();
  // The south-west and the north-east of a box, often with the point of a client on an edge.
  [[nodiscard]] std::pair<std::string, std::string> box();
  // A line for people.
  [[nodiscard]] std::string describe() const;

 private:
  struct Units {  // 1e-7 degrees
    std::int64_t latitude = 0;
    std::int64_t longitude = 0;
  };
  [[nodiscard]] Units anywhere();
  [[nodiscard]] Units close_to(const Units& base);
  [[nodiscard]] static Units legal(Units units);
  [[nodiscard]] std::string text_of(const Units& units);
  [[nodiscard]] std::string number_text(std::int64_t units, bool may_round_up);

  sim::Random& random_;
  std::int64_t spread_ = 0;   // of the points round a base, in units
  std::vector<Units> bases_;  // few points: crowds, and the middles of areas
  std::vector<Units> used_;   // points of clients
};

}  // namespace herd::model

// Reports the walk of a client until each report is acknowledged.
#include <chrono>
#include <iostream>
#include <thread>

#include "arguments.hpp"

namespace {

constexpr const char* kUsage =
    "usage: phone [--steps COUNT] [--pause MILLISECONDS] [--ca FILE] CLIENT POINT NODE...\n"
    "Reports a walk to the north that begins at POINT, one metre for each step, and prints the replies.\n"
    "POINT is such as 34.07,-118.44. NODE is the address of a node's port for clients, such as 127.0.0.1:12140.\n"
    "A token, if one is needed, is in HERD_TOKEN.\n"
    "  --steps  the number of reports; default: 10\n"
    "  --pause  the time between two reports; default: 1000\n"
    "  --ca     speaks TLS, and trusts the certificates in this file\n";
constexpr double kDegreesAMetre = 1 / 111'195.0;

void walk(const example::Arguments& arguments) {
  const std::string client = arguments.word(0);
  const herd::Centre start = example::centre(arguments.word(1));
  if (!start.is_point()) throw herd::Error(herd::ErrorKind::Argument, "POINT is such as 34.07,-118.44 (try --help)");
  herd::Client nodes(arguments.options(2));
  const auto pause = std::chrono::milliseconds(static_cast<long>(example::number(arguments.option("pause", "1000"))));
  const double steps = example::number(arguments.option("steps", "10"));
  for (int step = 0; step < steps; ++step) {
    if (step > 0) std::this_thread::sleep_for(pause);
    const herd::Point point{start.point().latitude + step * kDegreesAMetre, start.point().longitude};
    std::cout << nodes.report({client, point}) << std::endl;
  }
}

}  // namespace

int main(int count, char** words) {
  return example::run(kUsage, count, words, {"steps", "pause", "ca"}, walk);
}

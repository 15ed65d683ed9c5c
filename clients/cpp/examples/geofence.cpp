// Prints a line for each client that enters or leaves a circle, until it is interrupted.
#include <csignal>
#include <iostream>

#include "arguments.hpp"

namespace {

constexpr const char* kUsage =
    "usage: geofence [--match 'PREFIX*'] [--dwell SECONDS] [--ca FILE] CENTRE KM NODE...\n"
    "Prints a line for each client that enters or leaves the circle round CENTRE: a client, or a point such as\n"
    "34.07,-118.44. NODE is the address of a node's port for clients, such as 127.0.0.1:12140. A token, if one is\n"
    "needed, is in HERD_TOKEN.\n"
    "  --match  only clients with ids that begin so\n"
    "  --dwell  only clients that have been inside for so long\n"
    "  --ca     speaks TLS, and trusts the certificates in this file\n";

volatile std::sig_atomic_t is_interrupted = 0;

void print(const herd::Event& event, const herd::Members& members) {
  using Kind = herd::Event::Kind;
  if (event.kind == Kind::Enter) std::cout << "ENTER " << event.client << std::endl;
  if (event.kind == Kind::Leave) std::cout << "LEAVE " << event.client << std::endl;
  if (event.kind == Kind::Gone) std::cout << "RESET " << event.client << std::endl;
  // After a change to another node a new snapshot comes: it has the result of the changes in between.
  if (event.kind == Kind::Ready) {
    std::cout << "INSIDE";
    for (const auto& member : members.clients()) std::cout << ' ' << member.first;
    std::cout << std::endl;
  }
  if (event.kind == Kind::Lost) std::cerr << event.node << ": " << event.text << "; trying again" << std::endl;
}

void alert(const example::Arguments& arguments) {
  herd::WatchQuery query =
      herd::WatchQuery::near(example::centre(arguments.word(0)), example::number(arguments.word(1)));
  query.match = arguments.option("match");
  if (!arguments.option("dwell").empty()) query.dwell_s = example::number(arguments.option("dwell"));
  query.beat = std::chrono::seconds{5};
  herd::Watch watch(arguments.options(2), query);
  herd::Members members;
  while (is_interrupted == 0) {
    if (const auto event = watch.next(std::chrono::milliseconds{500})) {
      members.apply(*event);
      print(*event, members);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGINT, [](int) { is_interrupted = 1; });
  std::signal(SIGTERM, [](int) { is_interrupted = 1; });
  return example::run(kUsage, count, words, {"match", "dwell", "ca"}, alert);
}

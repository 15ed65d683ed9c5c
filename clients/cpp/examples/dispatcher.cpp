// Finds the nearest clients of a place, such as the trucks that could drive there.
#include <iostream>

#include "arguments.hpp"

namespace {

constexpr const char* kUsage =
    "usage: dispatcher [--match 'PREFIX*'] [--newer SECONDS] [--max COUNT] [--ca FILE] CENTRE KM NODE...\n"
    "Prints the clients in the circle round CENTRE, nearest first: a client, or a point such as 34.07,-118.44.\n"
    "NODE is the address of a node's port for clients, such as 127.0.0.1:12140. A token, if one is needed, is in\n"
    "HERD_TOKEN.\n"
    "  --match  only clients with ids that begin so\n"
    "  --newer  only clients that reported within this number of seconds; default: 300\n"
    "  --max    at most this number, 0 to 1000; default: 5\n"
    "  --ca     speaks TLS, and trusts the certificates in this file\n";

void find(const example::Arguments& arguments) {
  const herd::Circle circle{example::centre(arguments.word(0)), example::number(arguments.word(1))};
  herd::Page page;
  page.max = static_cast<int>(example::number(arguments.option("max", "5")));
  page.filter.match = arguments.option("match");
  const auto newer = std::chrono::seconds(static_cast<long>(example::number(arguments.option("newer", "300"))));
  page.filter.newer = newer;
  herd::Client nodes(arguments.options(2));
  const herd::NearAnswer answer = nodes.near(circle, page);
  for (const herd::SeenRecord& seen : answer.clients) {
    std::cout << seen.record.client << ' ' << seen.km << " km, bearing " << seen.bearing << ", reported "
              << seen.record.time << '\n';
  }
  if (!answer.next.empty()) {
    std::cout << "There are more: use --max.\n";
  } else if (answer.clients.empty()) {
    std::cerr << "dispatcher: no client within " << circle.km << " km has reported within " << newer.count() << " s\n";
  }
}

}  // namespace

int main(int count, char** words) {
  return example::run(kUsage, count, words, {"match", "newer", "max", "ca"}, find);
}

// Calls each function of the client library for test_cpp_client.py, and prints the results.
#include <herd/client.hpp>
#include <herd/tls.hpp>
#include <iostream>

#include "arguments.hpp"

namespace {

using herd::ErrorKind;

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Argument:
      return "argument";
    case ErrorKind::Refused:
      return "refused";
    case ErrorKind::Unavailable:
      return "unavailable";
    case ErrorKind::Protocol:
      return "protocol";
    case ErrorKind::Ended:
      return "ended";
    case ErrorKind::Network:
      return "network";
    case ErrorKind::Timeout:
      return "timeout";
  }
  return "unknown";
}

const char* name_of(herd::Event::Kind kind) {
  constexpr const char* kNames[] = {"watching", "here", "ready", "enter", "move", "leave",
                                    "centre",   "gone", "tick",  "end",   "lost"};
  return kNames[static_cast<int>(kind)];
}

// Calls `call`, and prints its error if it has one.
template <typename Call>
void attempt(const Call& call) {
  try {
    call();
  } catch (const herd::Error& error) {
    std::cout << "error " << name_of(error.kind()) << ' ' << error.what() << std::endl;
  }
}

// The herd knows kiwi, truck-1 and emu.
void ask(herd::Client& client) {
  const auto kiwi = client.whereis("kiwi");
  std::cout << kiwi->node << ' ' << kiwi->difference << ' ' << kiwi->client << ' ' << kiwi->coordinates << ' '
            << kiwi->time << '\n'
            << client.whereis("nemo").has_value() << '\n';
  herd::Page page;
  page.filter = {"truck-*", std::chrono::seconds{3600}};
  const auto near = client.near({"kiwi", 5}, page);
  std::cout << near.centre->client << ' ' << near.clients.size() << ' ' << near.clients.front().record.client << ' '
            << near.clients.front().km << ' ' << near.clients.front().bearing << '\n';
  const herd::Box box{{33, -119}, {35, -117}};
  page = {};
  page.max = 2;
  const auto within = client.within(box, page);
  page.after = within.next;
  std::cout << within.clients.size() << ' ' << client.within(box, page).clients.size() << ' '
            << client.count_within(box) << ' ' << client.count_near({herd::Point{34, -118}, 5}, {"truck-*", {}})
            << '\n';
  attempt([&] { (void)client.near({"nemo", 5}); });
  page.after = "AAAA";
  attempt([&] { (void)client.within(box, page); });
  std::cout << client.whereis("emu")->point.longitude << '\n';
}

// Reports of which the second is refused by any node: its time is in the year 2200.
void report(herd::Client& client) {
  std::vector<herd::Report> reports(200, {"many", {1, 2}, {}});
  reports[1] = {"late", {1, 2}, std::chrono::system_clock::from_time_t(7'258'118'400)};
  int count = 0;
  for (const auto& result : client.report(reports)) count += result.is_acknowledged ? 1 : 0;
  std::cout << count << '\n';
  attempt([&] { (void)client.report(reports[1]); });
  const herd::Report twice{"twice", {-1.5, 180}, std::chrono::system_clock::from_time_t(5)};
  std::cout << client.report(twice) << '\n' << client.report(twice) << '\n';
}

void wrong(herd::Client& client) {
  attempt([&] { (void)client.report({"a b", {1, 2}}); });
  attempt([&] { (void)client.report({std::string(256, 'x'), {1, 2}}); });
  attempt([&] { (void)client.report({"a", {91, 2}}); });
  attempt([&] { (void)client.report({"a", {1, std::nan("")}}); });
  attempt([&] { (void)client.report({"a", {1, 2}, std::chrono::system_clock::from_time_t(-5)}); });
  attempt([&] { (void)client.near({"a", -1}); });
  attempt([&] { (void)client.near({"a", 20017}); });
  attempt([&] { (void)client.near({"a", 1}, {1001, "", {}}); });
  attempt([&] { (void)client.count_near({"a", 1}, {"", std::chrono::seconds{-1}}); });
  for (const char* node : {"", "a", "a:0", "a:65536", "::1:5", "http://a:5", "a b:5"}) {
    attempt([&] { herd::Client other(herd::Options{{node}}); });
  }
  attempt([] { herd::Client other(herd::Options{{"a:1"}, "a\nb"}); });
  attempt([] { (void)herd::tls({"/nowhere", ""}); });
}

// Prints each event and the members after it, until the watch ends with an error.
void watch(herd::Options options, const std::string& what) {
  herd::WatchQuery query = what == "all"   ? herd::WatchQuery::all()
                           : what == "box" ? herd::WatchQuery::within({{9, 9}, {11, 11}})
                                           : herd::WatchQuery::near(example::centre(what), 5);
  query.beat = std::chrono::seconds{5};
  herd::Watch watch(std::move(options), query);
  herd::Members members;
  while (true) {
    const auto event = watch.next(std::chrono::milliseconds{50});
    if (!event) continue;
    members.apply(*event);
    std::cout << name_of(event->kind) << ' ' << (event->client.empty() ? "-" : event->client) << ' '
              << event->is_resumed;
    for (const auto& member : members.clients()) std::cout << ' ' << member.first;
    std::cout << std::endl;
  }
}

void run(const example::Arguments& arguments) {
  herd::Options options = arguments.options(2);
  options.timeout = std::chrono::milliseconds{500};
  herd::Client client(options);
  const std::string& command = arguments.word(0);
  attempt([&] {
    if (command == "ask") ask(client);
    if (command == "report") report(client);
    if (command == "wrong") wrong(client);
    if (command == "where") std::cout << client.whereis("kiwi").has_value() << ' ' << client.node() << '\n';
    if (command == "near") std::cout << client.near({herd::Point{1, 2}, 5}).clients.size() << '\n';
    if (command == "watch") watch(options, arguments.word(1));
  });
}

}  // namespace

int main(int count, char** words) {
  return example::run("driver COMMAND WHAT NODE...\n", count, words, {"ca"}, run);
}

// longest-turn [CLIENTS]: fills a node's replica with this number of clients (10,000,000 by default) in batches of 256
// reports, the most of one loop iteration, and measures the longest processor time of the thread for a batch. The
// replica is the production one, without peers and without a journal. Parsing and sockets are left out, as they cost
// the same in each iteration. Prints one line of JSON to standard output.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/bench/load/digits.hpp"

namespace {

constexpr std::uint64_t kBatch = 256;
constexpr std::uint64_t kFirstSecond = 1'700'000'000;

std::uint64_t thread_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// The texts of one report. The id has 24 bytes, as in the benchmark's row of memory per client.
struct Report {
  std::array<char, 24> client{};
  std::array<char, 21> coordinates{};
  std::array<char, 20> time{};

  Report(std::uint64_t number, std::uint64_t time_ns) {
    using herd::bench::put_digits;
    using herd::bench::put_text;
    put_digits(put_text(client.data(), "benchabcdefghijk"), number, 8);
    char* at = put_digits(put_text(coordinates.data(), "+34."), number * 7919 % 1'000'000, 6);
    put_digits(put_text(at, "-118."), number * 104'729 % 1'000'000, 6);
    at = put_digits(time.data(), time_ns / 1'000'000'000, 10);
    *at++ = '.';
    put_digits(at, time_ns % 1'000'000'000, 9);
  }
};

void accept(herd::bus::Replica& replica, const Report& report, herd::protocol::Now now) {
  herd::protocol::Iamat iamat;
  iamat.client = {report.client.data(), report.client.size()};
  iamat.coordinates = {report.coordinates.data(), report.coordinates.size()};
  iamat.time_text = {report.time.data(), report.time.size()};
  iamat.time = now.wall;
  if (replica.accept(iamat, now).result != herd::bus::Accepted::Stored) {
    std::fprintf(stderr, "longest-turn: a report was not stored\n");
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t clients = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  if (clients < kBatch || clients > 99'999'999) {
    std::fprintf(stderr, "usage: longest-turn [CLIENTS], from 256 to 99999999\n");
    return 2;
  }
  herd::bus::Replica::Options options;
  options.self = {"bench", "Hill", 1, 1};
  options.hash_seed = 1;
  herd::bus::Replica replica(options);
  std::vector<std::uint64_t> iterations;
  iterations.reserve(clients / kBatch + 1);
  std::vector<Report> batch;
  std::uint64_t longest_at = 0;
  for (std::uint64_t number = 0; number < clients;) {
    const std::uint64_t time_ns = kFirstSecond * 1'000'000'000 + number * 1'000;
    const herd::protocol::Now now{std::chrono::nanoseconds(number * 1'000), std::chrono::nanoseconds(time_ns)};
    batch.clear();
    for (std::uint64_t i = 0; i < kBatch && number < clients; ++i) batch.emplace_back(number++, time_ns);
    const std::uint64_t begin = thread_ns();
    for (const Report& report : batch) accept(replica, report, now);
    replica.tick(now);
    iterations.push_back(thread_ns() - begin);
    if (iterations.back() > iterations[longest_at]) longest_at = iterations.size() - 1;
  }
  const double longest = static_cast<double>(iterations[longest_at]) / 1e6;
  std::sort(iterations.begin(), iterations.end());
  const auto part = [&](double share) {
    return static_cast<double>(
               iterations[static_cast<std::size_t>(static_cast<double>(iterations.size() - 1) * share)]) /
           1e6;
  };
  std::printf("{\"clients\":%llu,\"longest_ms\":%.4f,\"longest_at_client\":%llu,\"p999_ms\":%.4f,\"p50_ms\":%.4f}\n",
              static_cast<unsigned long long>(replica.store().size()), longest,
              static_cast<unsigned long long>(longest_at) * kBatch, part(0.999), part(0.5));
  return 0;
}

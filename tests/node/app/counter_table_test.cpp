#include "node/app/counter_table.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "node/observe/metrics.hpp"
#include "tests/catch.hpp"

namespace herd::node {
namespace {

using Words = std::vector<std::string>;

// Gives each counter of a structure a value of its own, from `next` on. A counter is a word of 64 bits.
template <typename Counted>
Counted numbered(std::uint64_t& next) {
  std::array<std::uint64_t, sizeof(Counted) / sizeof(std::uint64_t)> words;
  for (std::uint64_t& word : words) word = next++;
  return std::bit_cast<Counted>(words);
}

// Everything that is counted, each with another value from 1 to `most`, and a second provider that doubles the first.
struct Parts {
  std::uint64_t most = 0;
  Counters clients;
  bus::ReplicaCounters bus;
  bus::Journal::Counters journal;
  places::Counters lookups;
  std::vector<places::Figures> providers{2};
  CounterSources::OfMonitor monitor;

  Parts() {
    std::uint64_t next = 1;
    clients = numbered<Counters>(next);
    bus = numbered<bus::ReplicaCounters>(next);
    journal = numbered<bus::Journal::Counters>(next);
    monitor = numbered<CounterSources::OfMonitor>(next);
    for (auto* value : {&lookups.asked, &lookups.answered, &lookups.timed_out, &lookups.refused}) *value = next++;
    places::Figures& first = providers.front();
    for (auto* value : {&first.hits, &first.misses, &first.shared, &first.stale}) *value = next++;
    most = next + 4;
  }
  [[nodiscard]] CounterSources sources() const {
    return {clients, bus, journal, lookups, providers, most - 4, most - 3, most - 2, most - 1, most, monitor};
  }
};

Words names_of(const std::map<std::string_view, CounterStatus>& counters) {
  Words names;
  for (const auto& [name, counter] : counters) names.emplace_back(name);
  return names;
}

TEST_CASE("everything that a node counts is in the table once") {
  const Parts parts;
  std::vector<std::uint64_t> values;
  for (const auto& [name, counter] : read_counters(parts.sources())) values.push_back(counter.value);
  std::sort(values.begin(), values.end());
  std::vector<std::uint64_t> expected(parts.most);
  std::generate(expected.begin(), expected.end(), [next = std::uint64_t{1}]() mutable { return next++; });
  CHECK(values == expected);
}

TEST_CASE("a counter of providers is the sum over all of them") {
  Parts parts;
  parts.providers[0].hits = 3;
  parts.providers[1].hits = 4;
  CHECK(read_counters(parts.sources()).at("places_cache_hits").value == 7);
}

TEST_CASE("a node without a monitor has all counters but those of the monitor") {
  const Parts parts;
  CounterSources sources = parts.sources();
  auto expected = names_of(read_counters(sources));
  std::erase_if(expected, [](const std::string& name) { return name.starts_with("monitor_"); });
  sources.monitor.reset();
  CHECK(names_of(read_counters(sources)) == expected);
}

TEST_CASE("the status and the metrics contain exactly the counters of the table") {
  const Parts parts;
  Status status;
  status.counters = read_counters(parts.sources());
  const auto document = nlohmann::json::parse(to_json(status));
  std::map<std::string, std::uint64_t> expected;
  for (const auto& [name, counter] : status.counters) expected.emplace(name, counter.value);
  CHECK(document.at("counters").get<std::map<std::string, std::uint64_t>>() == expected);

  const std::string metrics = to_prometheus(status, {});
  for (const auto& [name, counter] : status.counters) {
    INFO(name);
    const std::string metric = "herd_" + std::string(name) + "_total";
    CHECK(metrics.find("# HELP " + metric + " " + std::string(counter.help) + "\n# TYPE " + metric + " counter\n" +
                       metric + " " + std::to_string(counter.value) + "\n") != std::string::npos);
  }
  // Those of the HTTP server, which has no counters in the status, and those with labels.
  const auto is_other = [](const std::string& line) {
    return line.starts_with("# TYPE herd_http_connections") || line.starts_with("# TYPE herd_http_requests") ||
           line.starts_with("# TYPE herd_http_tls") || line.starts_with("# TYPE herd_queries_total") ||
           line.starts_with("# TYPE herd_watch_events_total") || line.starts_with("# TYPE herd_commands_total") ||
           line.starts_with("# TYPE herd_updates_total") || line.starts_with("# TYPE herd_phone_reports_total");
  };
  std::size_t others = 0;
  std::size_t all = 0;
  std::istringstream stream(metrics);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("# TYPE ") || !line.ends_with(" counter")) continue;
    ++all;
    if (is_other(line)) ++others;
  }
  CHECK(all - others == status.counters.size());
}

TEST_CASE("docs/MONITORING.md lists exactly the counters of the table, with their help texts") {
  const Parts parts;
  Words expected;
  for (const auto& [name, counter] : read_counters(parts.sources())) {
    expected.push_back("| `" + std::string(name) + "` | " + std::string(counter.help) + " |");
  }
  std::ifstream file(HERD_SOURCE_DIR "/docs/MONITORING.md");
  Words listed;
  bool in_list = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) in_list = line == "### Counters";
    if (in_list && line.starts_with("| `")) listed.push_back(line);
  }
  CHECK(listed == expected);
}

}  // namespace
}  // namespace herd::node

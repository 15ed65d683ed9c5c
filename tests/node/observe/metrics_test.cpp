#include "node/observe/metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <regex>
#include <set>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/node/status_example.hpp"

namespace herd::node {
namespace {

std::set<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

TEST_CASE("the metrics have the values of the status") {
  const auto lines = lines_of(to_prometheus(example_status(), {}));
  for (const auto* wanted : {"herd_uptime_seconds 61.5",
                             "herd_ready 1",
                             "herd_clients 3",
                             "herd_connections 2",
                             "herd_tls_handshakes_under_way 1",
                             "herd_store_digest 2748",
                             "herd_link_state{peer=\"Jaquez\",state=\"up\"} 1",
                             "herd_link_state{peer=\"Jaquez\",state=\"half\"} 0",
                             "herd_link_state{peer=\"Jaquez\",state=\"down\"} 0",
                             "herd_link_state{peer=\"Smith\",state=\"half\"} 1",
                             "herd_link_sent{peer=\"Jaquez\"} 12",
                             "herd_link_merged{peer=\"Jaquez\"} 11",
                             "herd_link_kept{peer=\"Jaquez\"} 10",
                             "herd_link_lag{peer=\"Jaquez\"} 1",
                             "herd_link_round_trip_seconds{peer=\"Jaquez\"} 0.00025",
                             "herd_link_skew_seconds{peer=\"Jaquez\"} -0.0015",
                             "herd_link_contender{peer=\"Jaquez\"} 0",
                             "herd_link_up{peer=\"Jaquez\"} 1",
                             "herd_link_up{peer=\"Smith\"} 0",
                             "herd_link_sent_messages_total{peer=\"Jaquez\"} 4",
                             "herd_link_sent_bytes_total{peer=\"Jaquez\"} 500",
                             "herd_link_received_messages_total{peer=\"Jaquez\"} 3",
                             "herd_link_received_bytes_total{peer=\"Jaquez\"} 400",
                             "herd_commands_total{command=\"iamat\",result=\"answered\"} 9",
                             "herd_commands_total{command=\"iamat\",result=\"refused\"} 2",
                             "herd_commands_total{command=\"unknown\",result=\"invalid\"} 1",
                             "# TYPE herd_command_duration_seconds histogram",
                             "herd_command_duration_seconds_bucket{le=\"0.0001\"} 0",
                             "herd_command_duration_seconds_bucket{le=\"0.00025\"} 9",
                             "herd_command_duration_seconds_bucket{le=\"60\"} 9",
                             "herd_command_duration_seconds_bucket{le=\"+Inf\"} 12",
                             "herd_command_duration_seconds_count 12",
                             "herd_updates_total{source=\"client\",outcome=\"stored\"} 7",
                             "herd_updates_total{source=\"peer\",outcome=\"stored\"} 0",
                             "herd_propagation_seconds_bucket{le=\"0.001\"} 0",
                             "herd_propagation_seconds_bucket{le=\"0.0025\"} 1",
                             "herd_propagation_seconds_sum 0.002",
                             "herd_name_conflict{role=\"kept\"} 0",
                             "herd_name_conflict{role=\"refused\"} 0",
                             "herd_journal_failing 0",
                             "herd_journal_file_bytes 4096",
                             "herd_queries_total{command=\"near\",result=\"answered\"} 5",
                             "herd_queries_total{command=\"count\",result=\"answered\"} 2",
                             "herd_watch_events_total{event=\"ENTER\"} 7",
                             "herd_queries_under_way 1",
                             "herd_area_index_clients 3",
                             "herd_area_index_bytes 400",
                             "herd_watches 2",
                             "herd_watch_members 4",
                             "# HELP herd_iamat_stored_total Reports stored",
                             "# TYPE herd_iamat_stored_total counter",
                             "herd_iamat_stored_total 7",
                             "herd_bus_updates_merged_total 0",
                             "herd_places_provider_state{provider=\"google\",state=\"resting\"} 1",
                             "herd_places_provider_state{provider=\"google\",state=\"ready\"} 0",
                             "herd_places_requests_total{provider=\"google\",status=\"UNKNOWN_ERROR\"} 1",
                             "herd_places_requests_total{provider=\"google\",status=\"ZERO_RESULTS\"} 0",
                             "herd_places_request_seconds_bucket{provider=\"google\",le=\"0.025\"} 0",
                             "herd_places_request_seconds_bucket{provider=\"google\",le=\"0.05\"} 1",
                             "herd_places_request_seconds_bucket{provider=\"google\",le=\"0.25\"} 2",
                             "herd_places_request_seconds_bucket{provider=\"google\",le=\"+Inf\"} 2",
                             "herd_places_request_seconds_sum{provider=\"google\"} 0.2",
                             "herd_places_request_seconds_count{provider=\"google\"} 2",
                             "herd_places_cached{provider=\"google\"} 1",
                             "herd_places_cached_bytes{provider=\"google\"} 900"}) {
    INFO(wanted);
    CHECK(lines.count(wanted) == 1);
  }
}

TEST_CASE("the build is a metric") {
  const std::regex line("\nherd_build_info\\{version=\"[0-9.]+\",compiler=\"[^\"]+\".*\\} 1\n");
  CHECK(std::regex_search(to_prometheus(example_status(), {}), line));
}

TEST_CASE("a metric shows that the journal cannot be written") {
  auto status = example_status();
  status.journal.trouble = "No space left on device";
  CHECK(lines_of(to_prometheus(status, {})).count("herd_journal_failing 1") == 1);
}

TEST_CASE("metrics show a second process with the node's name, and with a peer's") {
  auto status = example_status();
  status.links[1].contender = bus::Claimant{};
  status.name_conflict = {"Smith", true, {}};
  auto lines = lines_of(to_prometheus(status, {}));
  CHECK(lines.count("herd_link_contender{peer=\"Smith\"} 1") == 1);
  CHECK(lines.count("herd_name_conflict{role=\"kept\"} 1") == 1);
  CHECK(lines.count("herd_name_conflict{role=\"refused\"} 0") == 1);
  status.name_conflict->keeps_name = false;
  lines = lines_of(to_prometheus(status, {}));
  CHECK(lines.count("herd_name_conflict{role=\"kept\"} 0") == 1);
  CHECK(lines.count("herd_name_conflict{role=\"refused\"} 1") == 1);
}

TEST_CASE("every metric has a name, labels, a number, a help text and a type") {
  const auto lines = lines_of(to_prometheus(example_status(), read_process_metrics()));
  for (const auto& line : lines) {
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) continue;
    INFO(line);
    const auto name = line.substr(0, line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"));
    const auto number = line.substr(line.rfind(' ') + 1);
    const auto labels = line.substr(name.size(), line.size() - name.size() - number.size() - 1);
    CHECK((name.starts_with("herd_") || name.starts_with("process_")));
    CHECK((labels.empty() || (labels.starts_with("{") && labels.ends_with("\"}"))));
    char* end = nullptr;
    std::strtod(number.c_str(), &end);
    CHECK(end == number.c_str() + number.size());
    const bool histogram = name.find("_seconds_") != std::string::npos && !name.ends_with("_total");
    const auto family = histogram ? name.substr(0, name.rfind('_')) : name;
    const auto help = "# HELP " + family + " ";
    CHECK(lines.lower_bound(help)->starts_with(help));
    const auto* type = histogram ? " histogram" : name.ends_with("_total") ? " counter" : " gauge";
    CHECK(lines.count("# TYPE " + family + type) == 1);
  }
}

TEST_CASE("two digests that differ below the 48th bit never look equal as a metric") {
  auto status = example_status();
  status.digest = 0xffff'ffff'ffff'ffff;
  const auto all_ones = lines_of(to_prometheus(status, {}));
  status.digest -= 1;
  const auto one_less = lines_of(to_prometheus(status, {}));
  CHECK(all_ones.count("herd_store_digest 281474976710655") == 1);
  CHECK(one_less.count("herd_store_digest 281474976710654") == 1);
}

TEST_CASE("a value that cannot be read has no metric") {
  CHECK(to_prometheus(example_status(), {}).find("process_") == std::string::npos);
  ProcessMetrics process;
  process.resident_bytes = 4096;
  const auto text = to_prometheus(example_status(), process);
  CHECK(text.find("\nprocess_resident_memory_bytes 4096\n") != std::string::npos);
  CHECK(text.find("process_cpu_seconds_total") == std::string::npos);
}

TEST_CASE("all process metrics that dashboards use are present") {
  const auto text = to_prometheus(example_status(), read_process_metrics());
  for (const auto* name : {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_cpu_seconds_total",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    INFO(name);
    CHECK(text.find("\n" + std::string(name) + " ") != std::string::npos);
  }
}

TEST_CASE("the start time of the process is within the last day, and its descriptor limit is the kernel's") {
  const auto process = read_process_metrics();
  REQUIRE(process.start_time);
  const auto now = static_cast<double>(std::time(nullptr));
  CHECK(*process.start_time <= now + 2);  // the kernel rounds
  CHECK(*process.start_time > now - 24 * 3600);
  CHECK(*process.virtual_bytes >= *process.resident_bytes);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit lower{before.rlim_max < 512 ? before.rlim_max : 512, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &lower) == 0);
  CHECK(read_process_metrics().most_descriptors == lower.rlim_cur);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("the counters of the HTTP server are metrics") {
  http::Figures figures;
  figures.connections = 1;
  figures.accepted = 2;
  figures.turned_away = 3;
  figures.overdue = 4;
  figures.requests = 5;
  figures.requests_refused = 6;
  const auto lines = lines_of(to_prometheus(example_status(), {}, figures));
  for (const auto* wanted : {"herd_http_connections 1", "herd_http_connections_accepted_total 2",
                             "herd_http_connections_turned_away_total 3", "herd_http_connections_overdue_total 4",
                             "herd_http_requests_total 5", "herd_http_requests_refused_total 6"}) {
    INFO(wanted);
    CHECK(lines.count(wanted) == 1);
  }
}

TEST_CASE("memory and CPU time of the process are plausible, and a new descriptor is counted") {
  const auto before = read_process_metrics();
  REQUIRE(before.resident_bytes);
  CHECK(*before.resident_bytes > 1'000'000);
  REQUIRE(before.cpu_seconds);
  const double used = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  CHECK(*before.cpu_seconds <= used + 0.05);
  CHECK(*before.cpu_seconds >= used - 1);
  REQUIRE(before.open_descriptors);
  const int another = dup(STDIN_FILENO);
  REQUIRE(another >= 0);
  CHECK(*read_process_metrics().open_descriptors == *before.open_descriptors + 1);
  close(another);
}

}  // namespace
}  // namespace herd::node

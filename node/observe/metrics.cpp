#include "node/observe/metrics.hpp"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>
#include <utility>

#include "node/observe/command_metrics.hpp"
#include "node/observe/metric_families.hpp"

namespace herd::node {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

#ifdef __clang__
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

double seconds(std::chrono::duration<double> value) {
  return value.count();
}

// A metric is a double, which holds integers of up to 53 bits. 48 bits of the digest survive every reader unrounded.
double digest_number(std::uint64_t digest) {
  return number(digest & ((std::uint64_t{1} << 48) - 1));
}

void add_node(Families& all, const Status& status) {
  all.push_back(gauge({"herd_node_info", "Always 1; the labels are the node's name and the version of its program"}, 1,
                      {{"node", status.node}, {"version", HERD_VERSION}}));
  all.push_back(gauge({"herd_build_info", "Always 1; the labels are the version of the program and its compiler"}, 1,
                      {{"version", HERD_VERSION}, {"compiler", kCompiler}}));
  all.push_back(gauge({"herd_uptime_seconds", "Time since the node started, in seconds"}, seconds(status.uptime)));
  all.push_back(gauge(
      {"herd_ready",
       "1 when the first synchronisation with the peers is complete or was given up, and no peer refuses this node's "
       "name; else 0"},
      status.ready ? 1 : 0));
  all.push_back(gauge({"herd_clients", "Number of clients that the node has a record of"}, number(status.clients)));
  all.push_back(gauge({"herd_connections", "Number of open client connections"}, number(status.connections)));
  all.push_back(gauge({"herd_tls_handshakes_under_way", "Number of TLS handshakes of clients that are under way"},
                      number(status.tls_handshakes_under_way)));
  all.push_back(gauge(
      {"herd_store_digest", "Lower 48 bits of the digest of all records; nodes with equal stores have equal values"},
      digest_number(status.digest)));
}

void add_name_conflict(Families& all, const Status& status) {
  auto roles = gauges(
      {"herd_name_conflict",
       "1 while another process claims this node's name, else 0; kept: this process keeps the name; refused: a peer "
       "refuses this process, which then acknowledges no update"});
  const auto& conflict = status.name_conflict;
  add_gauge(roles, {{"role", "kept"}}, conflict && conflict->keeps_name ? 1 : 0);
  add_gauge(roles, {{"role", "refused"}}, conflict && !conflict->keeps_name ? 1 : 0);
  all.push_back(std::move(roles));
}

void add_journal(Families& all, const JournalStatus& journal) {
  all.push_back(
      gauge({"herd_journal_failing",
             "1 while the journal cannot be written, or its file was removed or changed by another program; else 0"},
            journal.trouble.empty() ? 0 : 1));
  all.push_back(gauge({"herd_journal_file_bytes", "Size of the journal file in bytes"}, number(journal.bytes)));
}

void add_link_states(Families& all, const Status& status) {
  auto states = gauges({"herd_link_state",
                        "1 for the current state of the link, else 0; half: the peer is received but does not answer"});
  for (const auto& link : status.links) {
    for (const auto state : {bus::Connected::Down, bus::Connected::Half, bus::Connected::Up}) {
      add_gauge(states, {{"peer", link.peer}, {"state", std::string(to_string(state))}}, link.state == state ? 1 : 0);
    }
  }
  all.push_back(std::move(states));
}

void add_links(Families& all, const Status& status) {
  if (status.links.empty()) return;
  add_link_states(all, status);
  const std::array<std::pair<Description, double (*)(const LinkStatus&)>, 8> figures{{
      {{"herd_link_up", "1 while the link works in both directions, else 0"},
       [](const LinkStatus& link) { return link.state == bus::Connected::Up ? 1.0 : 0.0; }},
      {{"herd_link_sent", "Change number up to which this node has sent its feed to the peer"},
       [](const LinkStatus& link) { return number(link.sent); }},
      {{"herd_link_merged", "Change number up to which the peer has acknowledged this node's feed as merged"},
       [](const LinkStatus& link) { return number(link.merged); }},
      {{"herd_link_kept",
        "Change number up to which the peer has acknowledged this node's feed as durable in its journal; 0 without a "
        "journal"},
       [](const LinkStatus& link) { return number(link.durable); }},
      {{"herd_link_lag",
        "Number of records that changed after the last change acknowledged by the peer; 0: the peer has all records"},
       [](const LinkStatus& link) { return number(link.lag); }},
      {{"herd_link_round_trip_seconds",
        "Smoothed round-trip time to the peer's event loop, in seconds, including up to 1 ms for which an "
        "acknowledgement "
        "may wait; 0 until measured"},
       [](const LinkStatus& link) { return seconds(link.round_trip); }},
      {{"herd_link_skew_seconds", "The peer's clock minus this node's clock, in seconds"},
       [](const LinkStatus& link) { return seconds(link.skew); }},
      {{"herd_link_contender", "1 while this node refuses a second process that claims the peer's name, else 0"},
       [](const LinkStatus& link) { return link.contender ? 1.0 : 0.0; }},
  }};
  for (const auto& [description, value_of] : figures) {
    auto family = gauges(description);
    for (const auto& link : status.links) add_gauge(family, {{"peer", link.peer}}, value_of(link));
    all.push_back(std::move(family));
  }
}

void add_link_traffic(Families& all, const Status& status) {
  if (status.links.empty()) return;
  const std::array<std::pair<Description, std::uint64_t (*)(const LinkStatus&)>, 4> figures{{
      {{"herd_link_sent_messages_total", "Messages sent to the peer"},
       [](const LinkStatus& link) { return link.messages_sent.messages; }},
      {{"herd_link_sent_bytes_total", "Bytes of the messages sent to the peer, without those of ZeroMQ and CURVE"},
       [](const LinkStatus& link) { return link.messages_sent.bytes; }},
      {{"herd_link_received_messages_total", "Messages received from the peer"},
       [](const LinkStatus& link) { return link.messages_received.messages; }},
      {{"herd_link_received_bytes_total",
        "Bytes of the messages received from the peer, without those of ZeroMQ and CURVE"},
       [](const LinkStatus& link) { return link.messages_received.bytes; }},
  }};
  for (const auto& [description, value_of] : figures) {
    auto family = counters(description);
    for (const auto& link : status.links) add_counter(family, {{"peer", link.peer}}, number(value_of(link)));
    all.push_back(std::move(family));
  }
}

void add_counters(Families& all, const Status& status) {
  for (const auto& [name, known] : status.counters) {
    all.push_back(counter({"herd_" + std::string(name) + "_total", std::string(known.help)}, number(known.value)));
  }
}

void add_asking(Families& all, const AskingStatus& asking) {
  auto queries = counters(
      {"herd_queries_total",
       "Queries of clients; refused: a centre, client or cursor is not known; abandoned: the connection was closed"});
  for (const auto& [command, result, count] : asking.queries) {
    add_counter(queries, {{"command", std::string(command)}, {"result", std::string(result)}}, number(count));
  }
  auto events = counters({"herd_watch_events_total", "Events of watches written to clients, by their name"});
  for (const auto& [event, count] : asking.events) add_counter(events, {{"event", std::string(event)}}, number(count));
  all.push_back(std::move(queries));
  all.push_back(std::move(events));
  all.push_back(
      gauge({"herd_queries_under_way", "Number of queries that are not answered yet"}, number(asking.waiting)));
  all.push_back(gauge({"herd_area_index_clients", "Number of clients in the area index; 0 while nothing asks"},
                      number(asking.indexed)));
  all.push_back(gauge({"herd_area_index_bytes", "Memory of the area index, in bytes"}, number(asking.index_bytes)));
  all.push_back(gauge({"herd_watches", "Number of watches that run"}, number(asking.watches)));
  all.push_back(gauge({"herd_watch_members", "Number of members of all watches, each counted for each watch"},
                      number(asking.members)));
}

MetricFamily provider_states(const Status& status) {
  auto states = gauges(
      {"herd_places_provider_state",
       "1 for the current state of the places provider, 0 for the others; resting: not used for a while after repeated "
       "failures; trying: one request tests it after a rest; no_key: it has no API key"});
  for (const auto& provider : status.providers) {
    for (std::size_t i = 0; i < places::kProviderStates; ++i) {
      const auto state = static_cast<places::ProviderState>(i);
      add_gauge(states, {{"provider", provider.provider}, {"state", std::string(to_text(state))}},
                provider.state == state ? 1 : 0);
    }
  }
  return states;
}

MetricFamily provider_requests(const Status& status) {
  auto family = counters({"herd_places_requests_total",
                          "Completed requests to the places provider, by status; for embedded, completed lookups"});
  for (const auto& provider : status.providers) {
    for (std::size_t i = 0; i < places::kStatuses; ++i) {
      const std::string text(to_text(static_cast<places::Status>(i)));
      add_counter(family, {{"provider", provider.provider}, {"status", text}}, number(provider.requests[i]));
    }
  }
  return family;
}

MetricFamily provider_latencies(const Status& status) {
  MetricFamily family{"herd_places_request_seconds",
                      "Duration of network requests to the places provider, in seconds",
                      MetricType::Histogram,
                      {}};
  for (const auto& provider : status.providers) {
    ClientMetric metric;
    metric.label = {{"provider", provider.provider}};
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < provider.latencies.size(); ++i) {
      so_far += provider.latencies[i];
      const double bound = i < places::kLatencyBounds.size() ? seconds(places::kLatencyBounds[i])
                                                             : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({so_far, bound});
    }
    metric.histogram.sample_count = so_far;
    metric.histogram.sample_sum = number(provider.latency_us) / 1e6;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

void add_providers(Families& all, const Status& status) {
  if (status.providers.empty()) return;
  all.push_back(provider_states(status));
  all.push_back(provider_requests(status));
  all.push_back(provider_latencies(status));
  auto entries = gauges({"herd_places_cached", "Number of answers in the provider's cache"});
  auto bytes = gauges({"herd_places_cached_bytes", "Memory of the answers in the provider's cache, in bytes"});
  for (const auto& provider : status.providers) {
    add_gauge(entries, {{"provider", provider.provider}}, number(provider.cached));
    add_gauge(bytes, {{"provider", provider.provider}}, number(provider.cached_bytes));
  }
  all.push_back(std::move(entries));
  all.push_back(std::move(bytes));
}

void add_process(Families& all, const ProcessMetrics& process) {
  if (process.resident_bytes) {
    all.push_back(gauge({"process_resident_memory_bytes", "Resident memory of the process in bytes"},
                        number(*process.resident_bytes)));
  }
  if (process.virtual_bytes) {
    all.push_back(gauge({"process_virtual_memory_bytes", "Virtual memory of the process in bytes"},
                        number(*process.virtual_bytes)));
  }
  if (process.cpu_seconds) {
    all.push_back(counter({"process_cpu_seconds_total", "CPU time of the process, user and system, in seconds"},
                          *process.cpu_seconds));
  }
  if (process.open_descriptors) {
    all.push_back(gauge({"process_open_fds", "Number of open file descriptors of the process"},
                        number(*process.open_descriptors)));
  }
  if (process.most_descriptors) {
    all.push_back(gauge({"process_max_fds", "Maximum number of open file descriptors of the process (its soft limit)"},
                        number(*process.most_descriptors)));
  }
  if (process.start_time) {
    all.push_back(gauge({"process_start_time_seconds", "Start time of the process, in seconds since 1970-01-01 UTC"},
                        *process.start_time));
  }
}

void add_http(Families& all, const http::Figures& http) {
  all.push_back(gauge({"herd_http_connections", "Number of open HTTP connections"}, number(http.connections)));
  all.push_back(gauge({"herd_http_streams", "Number of open event streams"}, number(http.streams)));
  all.push_back(counter({"herd_http_connections_accepted_total", "HTTP connections accepted since the start"},
                        number(http.accepted)));
  all.push_back(counter({"herd_http_connections_turned_away_total",
                         "HTTP connections closed to make room for new ones, or refused at the bound"},
                        number(http.turned_away)));
  all.push_back(counter(
      {"herd_http_connections_overdue_total", "HTTP connections ended at a deadline because the client was too slow"},
      number(http.overdue)));
  all.push_back(counter({"herd_http_tls_handshakes_total", "TLS handshakes of HTTP connections completed"},
                        number(http.tls_handshakes)));
  all.push_back(counter({"herd_http_tls_handshakes_failed_total", "TLS handshakes of HTTP connections that failed"},
                        number(http.tls_handshakes_failed)));
  all.push_back(counter({"herd_http_requests_total", "HTTP requests received completely"}, number(http.requests)));
  all.push_back(
      counter({"herd_http_requests_refused_total", "HTTP requests answered with an error without calling a page"},
              number(http.requests_refused)));
}

void read_memory(ProcessMetrics& process) {
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(std::ifstream("/proc/self/statm") >> total_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  process.virtual_bytes = total_pages * page_bytes;
  process.resident_bytes = resident_pages * page_bytes;
}

// "btime 1795442636" in /proc/stat: the boot time of the machine, in seconds since 1970.
std::optional<std::uint64_t> boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string word; stat >> word;) {
    std::uint64_t seconds = 0;
    if (word == "btime") return stat >> seconds ? std::optional(seconds) : std::nullopt;
    stat.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

// proc(5): the second field, the program's name, is in parentheses and may contain spaces. utime and
// stime are fields 14 and 15. starttime, in clock ticks since the boot, is field 22.
void read_times(ProcessMetrics& process) {
  std::ifstream stat("/proc/self/stat");
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  std::string skipped;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  for (int field = 3; field < 14; ++field) stat >> skipped;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  if (!(stat >> user_ticks >> system_ticks)) return;
  process.cpu_seconds = number(user_ticks + system_ticks) / ticks;
  for (int field = 16; field < 22; ++field) stat >> skipped;
  std::uint64_t start_ticks = 0;
  const auto booted = boot_time();
  if (!booted || !(stat >> start_ticks)) return;
  process.start_time = number(*booted) + number(start_ticks) / ticks;
}

std::optional<std::uint64_t> most_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::optional<std::uint64_t> open_descriptors() {
  std::error_code unreadable;
  std::filesystem::directory_iterator entry("/proc/self/fd", unreadable);
  std::uint64_t count = 0;
  for (; !unreadable && entry != std::filesystem::directory_iterator(); entry.increment(unreadable)) ++count;
  if (unreadable || count == 0) return std::nullopt;
  return count - 1;  // without the descriptor that reads the directory
}

void add_phones(Families& all, const PhoneFigures& phones) {
  auto reports =
      counters({"herd_phone_reports_total",
                "Messages of phones over HTTP; later: a limit, or no acknowledgement: the phone repeats it"});
  for (std::size_t app = 0; app < kPhoneApps.size(); ++app) {
    for (std::size_t result = 0; result < kPhoneResults.size(); ++result) {
      add_counter(reports, {{"app", std::string(kPhoneApps[app])}, {"result", std::string(kPhoneResults[result])}},
                  number(phones.of(app, result)));
    }
  }
  all.push_back(std::move(reports));
}

}  // namespace

ProcessMetrics read_process_metrics() {
  ProcessMetrics process;
  read_memory(process);
  read_times(process);
  process.open_descriptors = open_descriptors();
  process.most_descriptors = most_descriptors();
  return process;
}

std::string to_prometheus(const Status& status, const ProcessMetrics& process, const http::Figures& http) {
  Families all;
  add_node(all, status);
  add_name_conflict(all, status);
  add_journal(all, status.journal);
  add_links(all, status);
  add_link_traffic(all, status);
  add_counters(all, status);
  add_commands(all, status);
  add_asking(all, status.asking);
  add_providers(all, status);
  add_http(all, http);
  add_phones(all, http.phones);
  add_process(all, process);
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace herd::node

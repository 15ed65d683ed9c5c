#include "node/app/counter_table.hpp"

#include <array>

namespace herd::node {
namespace {

using Sources = CounterSources;

struct Row {
  std::string_view name;
  std::string_view help;  // one sentence without a full stop
  std::uint64_t (*read)(const Sources& from);
};

std::uint64_t sum(const Sources& from, std::uint64_t places::Figures::*figure) {
  std::uint64_t total = 0;
  for (const places::Figures& provider : from.providers) total += provider.*figure;
  return total;
}

constexpr std::array<Row, 65> kRows{{
    {"iamat_stored", "IAMAT commands accepted: newer than the known record of the client",
     [](const Sources& from) { return from.clients.iamat_stored; }},
    {"iamat_duplicate", "IAMAT commands that repeat the known record, answered with IGNORE",
     [](const Sources& from) { return from.clients.iamat_duplicate; }},
    {"iamat_not_newer", "IAMAT commands not newer than the known record: answered with AT, not stored",
     [](const Sources& from) { return from.clients.iamat_not_newer; }},
    {"whatsat", "Valid WHATSAT commands, for known and unknown clients",
     [](const Sources& from) { return from.clients.whatsat; }},
    {"unknown_commands", "Lines with an unknown command or a wrong number of fields",
     [](const Sources& from) { return from.clients.unknown_commands; }},
    {"invalid_arguments", "Commands with an operand that is malformed or out of range",
     [](const Sources& from) { return from.clients.invalid_arguments; }},
    {"clients_refused", "Reports of new clients refused because the node knows max_clients clients already",
     [](const Sources& from) { return from.clients.clients_refused; }},
    {"clients_reset", "Clients reset by an operator at this node",
     [](const Sources& from) { return from.clients.clients_reset; }},
    {"lines_too_long", "Client connections ended because of a line longer than max_line_bytes",
     [](const Sources& from) { return from.clients.lines_too_long; }},
    {"http_lines", "Client connections ended because of a line of HTTP: a browser used the port of the clients",
     [](const Sources& from) { return from.clients.http_lines; }},
    {"clients_output_held",
     "Times that the node stopped reading from a client because unread replies of all clients use too much memory",
     [](const Sources& from) { return from.clients.clients_output_held; }},
    {"connections_accepted", "Client connections accepted",
     [](const Sources& from) { return from.clients.connections_accepted; }},
    {"connections_refused",
     "Client connections closed at once, because there were too many connections or no free descriptor",
     [](const Sources& from) { return from.clients.connections_refused; }},
    {"connections_refused_by_address",
     "Client connections closed at once, because their address had max_connections_per_address open",
     [](const Sources& from) { return from.clients.connections_refused_by_address; }},
    {"connections_displaced",
     "Client connections closed to make room for another address, because their own had most connections",
     [](const Sources& from) { return from.clients.connections_displaced; }},
    {"connections_without_line", "Client connections closed because no whole line came within first_line_timeout",
     [](const Sources& from) { return from.clients.connections_without_line; }},
    {"tls_handshakes", "TLS handshakes of clients completed",
     [](const Sources& from) { return from.clients.tls_handshakes; }},
    {"tls_handshakes_failed", "TLS handshakes of clients that ended with an error, or that the client broke off",
     [](const Sources& from) { return from.clients.tls_handshakes_failed; }},
    {"tls_handshakes_timed_out", "TLS handshakes of clients that were not completed in time",
     [](const Sources& from) { return from.clients.tls_handshakes_timed_out; }},
    {"tls_handshakes_refused", "Client connections closed because too many TLS handshakes were under way",
     [](const Sources& from) { return from.clients.tls_handshakes_refused; }},
    {"tls_plain_text", "Client connections ended because they sent plain text to a port that speaks TLS",
     [](const Sources& from) { return from.clients.tls_plain_text; }},
    {"tls_not_spoken", "Client connections ended because they sent TLS to a port that does not speak it",
     [](const Sources& from) { return from.clients.tls_not_spoken; }},
    {"auth_accepted", "AUTH commands with a right token",
     [](const Sources& from) { return from.clients.auth_accepted; }},
    {"auth_refused", "AUTH commands with an unknown, revoked or expired token",
     [](const Sources& from) { return from.clients.auth_refused; }},
    {"auth_unchecked", "AUTH commands refused unseen because their address had sent too many wrong tokens",
     [](const Sources& from) { return from.clients.auth_unchecked; }},
    {"lines_not_allowed", "Lines refused because they came before AUTH, or exceed the rights of the token",
     [](const Sources& from) { return from.clients.lines_not_allowed; }},
    {"connections_revoked", "Client connections ended because their token was revoked or has expired",
     [](const Sources& from) { return from.clients.connections_revoked; }},
    {"bytes_in", "Bytes received from clients, including discarded ones",
     [](const Sources& from) { return from.clients.bytes_in; }},
    {"bytes_out", "Bytes sent to clients", [](const Sources& from) { return from.clients.bytes_out; }},
    {"bus_batches_sent", "Batches sent to peers", [](const Sources& from) { return from.bus.batches_sent; }},
    {"bus_bodies_shared", "Batches sent to a peer with a body that was already encoded for another one",
     [](const Sources& from) { return from.bus.bodies_shared; }},
    {"bus_bodies_repeated",
     "Batches received with a body that this node has sent or received before; their updates are not read again",
     [](const Sources& from) { return from.bus.bodies_repeated; }},
    {"bus_updates_sent", "Updates sent to peers, once per peer",
     [](const Sources& from) { return from.bus.updates_sent; }},
    {"bus_batches_received", "Batches received from peers",
     [](const Sources& from) { return from.bus.batches_received; }},
    {"bus_updates_received", "Updates received from peers",
     [](const Sources& from) { return from.bus.updates_received; }},
    {"bus_updates_merged", "Updates received from peers that changed the store",
     [](const Sources& from) { return from.bus.updates_merged; }},
    {"bus_updates_repeated", "Updates received from peers that were received before",
     [](const Sources& from) { return from.bus.updates_repeated; }},
    {"bus_updates_older", "Updates received from peers that are not newer than the known record",
     [](const Sources& from) { return from.bus.updates_older; }},
    {"bus_updates_unreadable", "Updates received from peers that are malformed; they are skipped",
     [](const Sources& from) { return from.bus.updates_unreadable; }},
    {"bus_messages_refused",
     "Bus messages refused: malformed, from no configured peer, or from another herd or version",
     [](const Sources& from) { return from.bus.messages_refused; }},
    {"bus_messages_damaged", "Bus messages with a wrong checksum: damaged in transit, or not sent by a node",
     [](const Sources& from) { return from.bus.messages_damaged; }},
    {"bus_messages_unknown", "Bus messages of a type that this version does not know",
     [](const Sources& from) { return from.bus.messages_unknown; }},
    {"bus_timeouts",
     "Times that a peer did not acknowledge a batch or answer a PING in time; each restarts the handshake",
     [](const Sources& from) { return from.bus.timeouts; }},
    {"bus_digest_rounds", "Reconciliation rounds begun by this node, with all peers",
     [](const Sources& from) { return from.bus.digest_rounds; }},
    {"bus_buckets_pulled", "Buckets of the store fetched from a peer because they differed for too long",
     [](const Sources& from) { return from.bus.buckets_pulled; }},
    {"bus_divergences_healed",
     "Records repaired by reconciliation; above 0: a fault in memory, on a disk or in the program",
     [](const Sources& from) { return from.bus.divergences_healed; }},
    {"bus_feeds_renewed",
     "Times that this node took a new feed id because its journal was not the newest one of its feed",
     [](const Sources& from) { return from.bus.feeds_renewed; }},
    {"bus_connections_cut", "Bus connections closed by this node because of too much or invalid data",
     [](const Sources& from) { return from.bus_connections_cut; }},
    {"bus_refused", "Connections to the bus refused in their handshake: no key, an unknown or a revoked one",
     [](const Sources& from) { return from.bus_refused; }},
    {"journal_passes", "Flushes of the journal", [](const Sources& from) { return from.journal.flushes; }},
    {"journal_bytes", "Bytes written to the journal, including compactions",
     [](const Sources& from) { return from.journal.bytes; }},
    {"journal_failures", "Failed attempts to write or check the journal",
     [](const Sources& from) { return from.journal.failures; }},
    {"journal_copies", "Compactions of the journal", [](const Sources& from) { return from.journal.compactions; }},
    {"journal_repairs",
     "Times that the journal was written anew because another program had removed, replaced or changed it",
     [](const Sources& from) { return from.journal.repairs; }},
    {"log_dropped", "Log lines dropped because standard error or the log file did not accept them in time",
     [](const Sources& from) { return from.log_dropped; }},
    {"watch_conflated", "Times that a watcher read too slowly to get each change; it gets the present state instead",
     [](const Sources& from) { return from.watch_conflated; }},
    {"watches_refused", "WATCH commands refused because there were too many watches",
     [](const Sources& from) { return from.watches_refused; }},
    {"places_asked", "Places lookups begun", [](const Sources& from) { return from.lookups.asked; }},
    {"places_answered", "Places lookups answered by the worker in time",
     [](const Sources& from) { return from.lookups.answered; }},
    {"places_timed_out", "Places lookups that the worker did not answer in time",
     [](const Sources& from) { return from.lookups.timed_out; }},
    {"places_refused", "Places lookups refused at once: too many in progress, or the worker cannot be reached",
     [](const Sources& from) { return from.lookups.refused; }},
    {"places_cache_hits", "Places lookups answered from the cache, over all providers",
     [](const Sources& from) { return sum(from, &places::Figures::hits); }},
    {"places_cache_misses", "Places lookups that sent a request, over all providers",
     [](const Sources& from) { return sum(from, &places::Figures::misses); }},
    {"places_shared", "Places lookups that joined a request in progress, over all providers",
     [](const Sources& from) { return sum(from, &places::Figures::shared); }},
    {"places_stale", "Places lookups that failed and had an expired answer to fall back on, over all providers",
     [](const Sources& from) { return sum(from, &places::Figures::stale); }},
}};

// Only of a node with a monitor.
constexpr std::array<Row, 6> kMonitorRows{{
    {"monitor_published", "Events published to at least one viewer of the monitor",
     [](const Sources& from) { return from.monitor->published; }},
    {"monitor_overflows",
     "Times that the queue of a viewer became full; the viewer then loses events until it is half empty",
     [](const Sources& from) { return from.monitor->viewers.overflows; }},
    {"monitor_viewers_accepted", "Connections accepted by the monitor",
     [](const Sources& from) { return from.monitor->viewers.accepted; }},
    {"monitor_viewers_refused", "Connections refused by the monitor: too many, or a key of no viewer",
     [](const Sources& from) { return from.monitor->viewers.refused; }},
    {"monitor_viewers_cut",
     "Connections closed by the monitor: invalid input, too much input, or a viewer that reads too slowly",
     [](const Sources& from) { return from.monitor->viewers.cut; }},
    {"monitor_clients_skipped", "Client events not published because there were more than the node may spend time on",
     [](const Sources& from) { return from.monitor->clients_skipped; }},
}};

}  // namespace

std::map<std::string_view, CounterStatus> read_counters(const CounterSources& sources) {
  std::map<std::string_view, CounterStatus> counters;
  for (const Row& row : kRows) counters.emplace(row.name, CounterStatus{row.read(sources), row.help});
  if (!sources.monitor) return counters;
  for (const Row& row : kMonitorRows) counters.emplace(row.name, CounterStatus{row.read(sources), row.help});
  return counters;
}

}  // namespace herd::node

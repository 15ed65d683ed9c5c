#include "node/observe/counter_help.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace herd::node {
namespace {

using Help = std::pair<std::string_view, std::string_view>;

constexpr std::array<Help, 54> kHelps{{
    {"iamat_stored", "IAMAT commands accepted: newer than the known record of the client"},
    {"iamat_duplicate", "IAMAT commands that repeat the known record, answered with IGNORE"},
    {"iamat_not_newer", "IAMAT commands not newer than the known record: answered with AT, not stored"},
    {"whatsat", "Valid WHATSAT commands, for known and unknown clients"},
    {"unknown_commands", "Lines with an unknown command or a wrong number of fields"},
    {"invalid_arguments", "Commands with an operand that is malformed or out of range"},
    {"clients_refused", "Reports of new clients refused because the node knows max_clients clients already"},
    {"clients_reset", "Clients reset by an operator at this node"},
    {"lines_too_long", "Client connections ended because of a line longer than max_line_bytes"},
    {"http_lines", "Client connections ended because of a line of HTTP: a browser used the port of the clients"},
    {"clients_output_held",
     "Times that the node stopped reading from a client because unread replies of all clients use too much memory"},
    {"connections_accepted", "Client connections accepted"},
    {"connections_refused",
     "Client connections closed at once, because there were too many connections or no free descriptor"},
    {"bytes_in", "Bytes received from clients, including discarded ones"},
    {"bytes_out", "Bytes sent to clients"},
    {"bus_batches_sent", "Batches sent to peers"},
    {"bus_bodies_shared", "Batches sent to a peer with a body that was already encoded for another one"},
    {"bus_bodies_repeated",
     "Batches received with a body that this node has sent or received before; their updates are not read again"},
    {"bus_updates_sent", "Updates sent to peers, once per peer"},
    {"bus_batches_received", "Batches received from peers"},
    {"bus_updates_received", "Updates received from peers"},
    {"bus_updates_merged", "Updates received from peers that changed the store"},
    {"bus_updates_repeated", "Updates received from peers that were received before"},
    {"bus_updates_older", "Updates received from peers that are not newer than the known record"},
    {"bus_updates_unreadable", "Updates received from peers that are malformed; they are skipped"},
    {"bus_messages_refused",
     "Bus messages refused: malformed, from no configured peer, or from another herd or version"},
    {"bus_messages_damaged", "Bus messages with a wrong checksum: damaged in transit, or not sent by a node"},
    {"bus_messages_unknown", "Bus messages of a type that this version does not know"},
    {"bus_timeouts",
     "Times that a peer did not acknowledge a batch or answer a PING in time; each restarts the handshake"},
    {"bus_digest_rounds", "Reconciliation rounds begun by this node, with all peers"},
    {"bus_buckets_pulled", "Buckets of the store fetched from a peer because they differed for too long"},
    {"bus_divergences_healed",
     "Records repaired by reconciliation; above 0: a fault in memory, on a disk or in the program"},
    {"bus_feeds_renewed",
     "Times that this node took a new feed id because its journal was not the newest one of its feed"},
    {"bus_connections_cut", "Bus connections closed by this node because of too much or invalid data"},
    {"journal_passes", "Flushes of the journal"},
    {"journal_bytes", "Bytes written to the journal, including compactions"},
    {"journal_failures", "Failed attempts to write or check the journal"},
    {"journal_copies", "Compactions of the journal"},
    {"journal_repairs",
     "Times that the journal was written anew because another program had removed, replaced or changed it"},
    {"log_dropped", "Log lines dropped because standard error or the log file did not accept them in time"},
    {"monitor_published", "Events published to at least one viewer of the monitor"},
    {"monitor_overflows",
     "Times that the queue of a viewer became full; the viewer then loses events until it is half empty"},
    {"monitor_viewers_accepted", "Connections accepted by the monitor"},
    {"monitor_viewers_refused", "Connections refused by the monitor because there were too many"},
    {"monitor_viewers_cut",
     "Connections closed by the monitor: invalid input, too much input, or a viewer that reads too slowly"},
    {"monitor_clients_skipped", "Client events not published because there were more than the node may spend time on"},
    {"places_asked", "Places lookups begun"},
    {"places_answered", "Places lookups answered by the worker in time"},
    {"places_timed_out", "Places lookups that the worker did not answer in time"},
    {"places_refused", "Places lookups refused at once: too many in progress, or the worker cannot be reached"},
    {"places_cache_hits", "Places lookups answered from the cache, over all providers"},
    {"places_cache_misses", "Places lookups that sent a request, over all providers"},
    {"places_shared", "Places lookups that joined a request in progress, over all providers"},
    {"places_stale", "Places lookups that failed and had an expired answer to fall back on, over all providers"},
}};

}  // namespace

std::string counter_help(std::string_view name) {
  const auto* const found =
      std::find_if(kHelps.begin(), kHelps.end(), [&](const Help& help) { return help.first == name; });
  if (found != kHelps.end()) return std::string(found->second);
  std::string words = "Counted since the start: " + std::string(name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

}  // namespace herd::node

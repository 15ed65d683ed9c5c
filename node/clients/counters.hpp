// Counters of the front end and the admin socket since the start of the node; they only rise. Written on the loop's
// thread, which copies them into the status (node/app/counter_table.hpp).
#pragma once

#include <cstdint>

namespace herd::node {

struct Counters {
  std::uint64_t iamat_stored = 0;          // newer than the record
  std::uint64_t iamat_duplicate = 0;       // answered with IGNORE
  std::uint64_t iamat_not_newer = 0;       // answered with AT and not stored
  std::uint64_t whatsat = 0;               // valid ones, whether the client is known or not
  std::uint64_t unknown_commands = 0;      // unknown, or with a wrong number of operands
  std::uint64_t invalid_arguments = 0;     // known commands with a malformed operand, or one out of range
  std::uint64_t clients_refused = 0;       // reports of new clients, refused because max_clients is reached
  std::uint64_t clients_reset = 0;         // by an operator, at this node
  std::uint64_t lines_too_long = 0;        // connections ended because of a line that was too long
  std::uint64_t http_lines = 0;            // connections ended because of a line of HTTP
  std::uint64_t clients_output_held = 0;   // how often a session had to wait because all replies hold too much memory
  std::uint64_t connections_accepted = 0;  // and served
  std::uint64_t connections_refused = 0;   // closed at once: max_connections or the limit of open files was reached
  std::uint64_t bytes_in = 0;              // from clients, including discarded input
  std::uint64_t bytes_out = 0;             // to clients
};

}  // namespace herd::node

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
  // closed at once: their address had max_connections_per_address
  std::uint64_t connections_refused_by_address = 0;
  std::uint64_t connections_displaced = 0;     // closed while the node was full: their address had most connections
  std::uint64_t connections_without_line = 0;  // closed at first_line_timeout
  std::uint64_t tls_handshakes = 0;            // completed
  std::uint64_t tls_handshakes_failed = 0;     // by an error, or closed by the client
  std::uint64_t tls_handshakes_timed_out = 0;
  std::uint64_t tls_handshakes_refused = 0;  // too many were under way
  std::uint64_t tls_plain_text = 0;          // connections that sent plain text to a port that speaks TLS
  std::uint64_t tls_not_spoken = 0;          // connections that sent TLS to a port that does not speak it
  std::uint64_t auth_accepted = 0;           // right tokens
  std::uint64_t auth_refused = 0;            // wrong tokens
  std::uint64_t auth_unchecked = 0;          // AUTH commands from an address with too many wrong tokens
  std::uint64_t lines_not_allowed = 0;       // before AUTH, or beyond the rights of the token
  std::uint64_t connections_revoked = 0;     // ended because their token was revoked or has expired
  std::uint64_t bytes_in = 0;                // from clients, including discarded input
  std::uint64_t bytes_out = 0;               // to clients
};

}  // namespace herd::node

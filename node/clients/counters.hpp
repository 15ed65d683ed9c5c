// What the front end has done since the start; every number only rises. Written on the loop's thread, which copies them
// into the status.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace herd::node {

struct Counters {
  std::uint64_t iamat_stored = 0;          // newer than what was known
  std::uint64_t iamat_duplicate = 0;       // answered with IGNORE
  std::uint64_t iamat_not_newer = 0;       // answered with AT and not stored
  std::uint64_t whatsat = 0;               // valid ones, whether the client is known or not
  std::uint64_t unknown_commands = 0;      // no command, or a wrong number of fields
  std::uint64_t invalid_arguments = 0;     // a command with an operand that cannot be read
  std::uint64_t clients_refused = 0;       // reports of new clients dropped: as many are known as max_clients allows
  std::uint64_t clients_reset = 0;         // by an operator, at this node
  std::uint64_t lines_too_long = 0;        // connections ended because of one
  std::uint64_t http_lines = 0;            // connections ended because of one
  std::uint64_t clients_output_held = 0;   // times a connection was not read from because of all clients' replies
  std::uint64_t connections_accepted = 0;  // and served
  std::uint64_t connections_refused = 0;   // closed at once: too many
  std::uint64_t bytes_in = 0;              // from clients, what was discarded included
  std::uint64_t bytes_out = 0;             // to clients

  // Every counter by its name, in the order above.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> list() const;
};

}  // namespace herd::node

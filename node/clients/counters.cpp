#include "node/clients/counters.hpp"

namespace herd::node {

std::vector<std::pair<std::string_view, std::uint64_t>> Counters::list() const {
  std::vector<std::pair<std::string_view, std::uint64_t>> counters{
      {"iamat_stored", iamat_stored},
      {"iamat_duplicate", iamat_duplicate},
      {"iamat_not_newer", iamat_not_newer},
      {"whatsat", whatsat},
      {"unknown_commands", unknown_commands},
      {"invalid_arguments", invalid_arguments},
      {"clients_refused", clients_refused},
      {"clients_reset", clients_reset},
      {"lines_too_long", lines_too_long},
      {"http_lines", http_lines},
      {"clients_output_held", clients_output_held},
      {"connections_accepted", connections_accepted},
      {"connections_refused", connections_refused},
      {"bytes_in", bytes_in},
      {"bytes_out", bytes_out},
  };
  static_assert(sizeof(Counters) == 15 * sizeof(std::uint64_t), "a new counter must be listed too");
  return counters;
}

}  // namespace herd::node

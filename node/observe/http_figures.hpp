// What the HTTP server has counted since its start. HTTP thread only.
#pragma once

#include <cstdint>

namespace herd::node::http {

struct Figures {
  std::uint64_t connections = 0;       // open now
  std::uint64_t streams = 0;           // of these, viewers of a stream
  std::uint64_t accepted = 0;          // connections
  std::uint64_t turned_away = 0;       // connections closed to make room, or for which there was none
  std::uint64_t requests = 0;          // read completely
  std::uint64_t requests_refused = 0;  // ended with 4xx or 5xx before a page was asked
  std::uint64_t overdue = 0;           // connections ended because a client was too slow
};

}  // namespace herd::node::http

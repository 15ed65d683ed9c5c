// Counters of the HTTP server since its start. HTTP thread only: the server counts, the pages read.
#pragma once

#include <cstdint>

#include "node/observe/phone_figures.hpp"

namespace herd::node::http {

struct Figures {
  std::uint64_t connections = 0;            // connections that are open now
  std::uint64_t streams = 0;                // open connections that are viewers of a stream
  std::uint64_t accepted = 0;               // connections admitted
  std::uint64_t turned_away = 0;            // connections evicted to make room, or not admitted at the bound
  std::uint64_t requests = 0;               // requests read completely
  std::uint64_t requests_refused = 0;       // requests answered with 4xx or 5xx without calling a page
  std::uint64_t tls_handshakes = 0;         // TLS handshakes completed
  std::uint64_t tls_handshakes_failed = 0;  // TLS handshakes that ended with an error, or that the client broke off
  std::uint64_t overdue = 0;                // connections ended at a deadline because the client was too slow
  PhoneFigures phones;
};

}  // namespace herd::node::http

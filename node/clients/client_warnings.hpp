// Rate limits for warnings that clients can provoke. Each kind has its own limit, so that no client can fill a disk.
// The log states how many warnings of a kind were suppressed. Owned by the front end, used on the loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "node/base/limits.hpp"
#include "node/base/rate_limit.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

enum class ClientWarning : std::uint8_t {
  InvalidArguments,
  ClientRefused,
  LineTooLong,
  HttpLine,
  OutputHeld,
  ConnectionRefused,
  ConnectionDisplaced,
  AcceptFailed,
  Unacknowledged,
  HandshakeFailed,
  HandshakeRefused,
  PlainText,
  TlsNotSpoken,
  AuthAccepted,
  AuthRefused,
  TokenEnded,
  NotAllowed
};

class ClientWarnings {
 public:
  // Whether a warning of this kind may be logged now. A warning that may not be logged is counted as suppressed.
  [[nodiscard]] bool allows(ClientWarning kind, const protocol::Now& now);

  // Logs one line for each kind with suppressed warnings. Call it at regular intervals.
  void report_suppressed(const protocol::Now& now);

 private:
  struct Kind {
    std::string_view name;
    RateLimit limit{{kWarningsPerSecond, kWarningsBurst}};
  };

  std::array<Kind, 17> kinds_{{{"invalid_arguments"},
                               {"client_refused"},
                               {"line_too_long"},
                               {"http_line"},
                               {"clients_output_held"},
                               {"connection_refused"},
                               {"connection_displaced"},
                               {"accept_failed"},
                               {"unacknowledged"},
                               {"tls_handshake_failed"},
                               {"tls_handshake_refused"},
                               {"plain_text_refused"},
                               {"tls_refused"},
                               {"auth_accepted"},
                               {"auth_refused"},
                               {"token_ended"},
                               {"not_allowed"}}};
};

}  // namespace herd::node

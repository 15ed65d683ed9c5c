// The certificates of the ports of clients and of HTTP: their end in the log, and whether a reload may use them.
// load_config() has read them. Loop thread.
#pragma once

#include "node/config/config.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Logs the end of each port's certificate, and a warning for each that is not valid at the time `wall`.
void report_certificates(const Config& config, protocol::Nanoseconds wall);

// For the configuration of a reload. A certificate that is not valid at the time `wall` is an Error, because the
// previous one may still be valid.
[[nodiscard]] protocol::Result<void> check_certificates(const Config& fresh, protocol::Nanoseconds wall);

}  // namespace herd::node

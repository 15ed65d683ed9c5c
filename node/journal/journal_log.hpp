// Writes the log lines about the journal's events (bus/loop/journal.hpp). Loop thread only; owned by the node.
#pragma once

#include <filesystem>

#include "bus/loop/journal.hpp"
#include "node/base/rate_limit.hpp"
#include "node/config/config.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class JournalLog {
 public:
  // `directory`: the node's state directory. `level` states when updates are acknowledged.
  JournalLog(std::filesystem::path directory, Acknowledge level);

  // Takes the journal's events and writes a line for each. Lines about trouble with ever-changing reasons are limited.
  // Call it once per loop iteration.
  void report(bus::Journal& journal, protocol::Now now);

 private:
  void write(const bus::JournalEvent& event, const bus::Journal& journal, protocol::Now now);
  void write_failing(const std::string& reason, protocol::Now now);

  std::filesystem::path directory_;
  Acknowledge level_;
  RateLimit failing_limit_;
};

}  // namespace herd::node

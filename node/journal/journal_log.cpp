#include "node/journal/journal_log.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace herd::node {
namespace {

constexpr RateLimit::Rate kFailingLogRate{.per_second = 0.2, .burst = 5};

}  // namespace

JournalLog::JournalLog(std::filesystem::path directory, Acknowledge level)
    : directory_(std::move(directory)), level_(level), failing_limit_(kFailingLogRate) {}

void JournalLog::report(bus::Journal& journal, protocol::Now now) {
  for (const bus::JournalEvent& event : journal.take_events()) write(event, journal, now);
}

void JournalLog::write_failing(const std::string& reason, protocol::Now now) {
  if (!failing_limit_.allows(now.steady)) return;
  spdlog::error("event=journal_failing reason=\"{}\" consequence=\"{}\" suppressed={}", reason,
                level_ == Acknowledge::Memory ? "what is reported now is lost if this node dies"
                                              : "IAMATs are not answered until it can be written again",
                failing_limit_.take_suppressed(now.steady));
}

void JournalLog::write(const bus::JournalEvent& event, const bus::Journal& journal, protocol::Now now) {
  using Kind = bus::JournalEvent::Kind;
  const bus::Journal::Counters& counters = journal.counters();
  switch (event.kind) {
    case Kind::Failing:
      return write_failing(event.text, now);
    case Kind::Recovered:
      spdlog::warn("event=journal_recovered failures={} written_anew={}", counters.failures, counters.repairs);
      return;
    case Kind::Lost:
      spdlog::error("event=journal_lost reason=\"{}: it is unknown what is on the disk, so this node stops\"",
                    event.text);
      return;
    case Kind::SetAside:
      spdlog::warn(
          "event=journal_set_aside kept_as={} reason=\"a file with the journal's name was not as this node wrote "
          "it: remove the renamed file if it is not needed\"",
          (directory_ / event.text).string());
      return;
    case Kind::DirectoryRestored:
      spdlog::warn("event=state_directory_restored path={} reason=\"it or its lock file was removed or renamed\"",
                   directory_.string());
      return;
    case Kind::Compacted:
      spdlog::debug("event=journal_copied bytes={}", event.text);
      return;
  }
}

}  // namespace herd::node

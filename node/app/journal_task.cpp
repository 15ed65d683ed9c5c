#include "node/app/journal_task.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "node/config/state_dir.hpp"
#include "node/journal/backup.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using protocol::Result;

Result<BackupFigures> restore(const JournalTask& task, protocol::Nanoseconds now) {
  const auto state = StateDir::open(task.config, task.name);
  if (!state) return tl::unexpected(state.error());
  return restore_backup({task.file, state->path(), task.name, task.force, now});
}

Result<BackupFigures> carry_out(const JournalTask& task) {
  const protocol::Nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  switch (task.kind) {
    case JournalTask::Kind::Backup:
      return make_backup({node_dir(task.config, task.name) / "journal", task.file, task.name, now});
    case JournalTask::Kind::Restore:
      return restore(task, now);
    case JournalTask::Kind::Check:
      return check_backup(task.file);
  }
  protocol::unreachable();
}

}  // namespace

Result<std::string> run_journal_task(const JournalTask& task) {
  (void)std::signal(SIGXFSZ, SIG_IGN);  // a limit of file size is then an error of the write
  const auto figures = carry_out(task);
  if (!figures) return tl::unexpected(figures.error());
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (figures->made) {
    json["node"] = figures->node;
    json["made"] = std::chrono::floor<std::chrono::seconds>(*figures->made).count();
  }
  json["clients"] = figures->clients;
  json["digest"] = fmt::format("{:016x}", figures->digest);
  json["bytes"] = figures->bytes;
  if (!figures->set_aside.empty()) json["set_aside"] = figures->set_aside;
  // A path need not be valid UTF-8, JSON must be.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace herd::node

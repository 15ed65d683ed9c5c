#include "node/journal/journal_job.hpp"

#include <cstring>
#include <utility>

namespace herd::node {
namespace {

using State = bus::FileState;

// Stores in `job` why the file is not sound. Returns true if it is sound.
bool accept(bus::JournalJob& job, const JournalFile::Look& look) {
  if (look.state == State::Sound) return true;
  job.trouble = describe(look.state);
  if (look.state == State::Unknown) {
    job.blocked = true;
    job.trouble += std::string(" (") + std::strerror(look.error) + ")";
  } else {
    job.found = look.state;
  }
  return false;
}

void check(bus::JournalJob& job, JournalFile& file) {
  if (!accept(job, file.look(job.by_time))) return;
  if (const int error = file.probe(); error != 0) {
    job.blocked = true;
    job.trouble = std::strerror(error);
  }
}

// An append counts only if the next start would read it. So the file is checked before the append, so as not to append
// to a foreign file, and after it.
void append(bus::JournalJob& job, JournalFile& file) {
  if (!accept(job, file.look_at_content(job.by_time))) return;
  if (const int error = file.append(job.bytes); error != 0) {
    if (accept(job, file.look(false))) job.trouble = std::strerror(error);
    return;
  }
  if (job.sync) {
    // After a failed sync the kernel may have dropped the pages. A second sync would then report success for lost data.
    if (const int error = file.sync(); error != 0) {
      job.trouble = std::strerror(error);
      job.fatal = true;
      return;
    }
  }
  if (accept(job, file.look(false)) || !job.blocked) return;
  if (file.undo_append(job.bytes.size()) != 0) job.found = State::Longer;
}

void compact(bus::JournalJob& job, JournalFile& file) {
  int error = job.starts_compaction ? file.begin_compaction() : 0;
  if (error == 0) error = file.append_to_new_file(job.bytes);
  if (error != 0) {
    job.trouble = std::strerror(error);
  } else if (job.replaces) {
    auto replacement = file.replace_by_new_file(job.by_time);
    job.trouble = std::move(replacement.trouble);
    job.set_aside = std::move(replacement.set_aside);
    job.fatal = replacement.committed && !job.trouble.empty();
    if (job.trouble.empty()) (void)accept(job, file.look(false));
  }
  if (!job.trouble.empty()) file.drop_new_file();
}

}  // namespace

void carry_out(bus::JournalJob& job, JournalFile& file, StateDir* state_dir) {
  if (state_dir != nullptr && (job.check || job.starts_compaction || job.replaces)) {
    const auto restored = state_dir->restore();
    if (!restored) {
      job.blocked = true;
      job.trouble = restored.error().message;
      if (job.to_new_file) file.drop_new_file();
      return;
    }
    job.restored = *restored;
  }
  if (job.check) {
    check(job, file);
  } else if (job.to_new_file) {
    compact(job, file);
  } else {
    append(job, file);
  }
}

}  // namespace herd::node

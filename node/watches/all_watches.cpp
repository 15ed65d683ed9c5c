#include "node/watches/all_watches.hpp"

#include "node/watches/all_watch.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::watches {

void AllWatches::remove(AllWatch& watch) {
  std::erase(all_, &watch);
  if (watch.is_in_listening_) std::erase(listening_, &watch);
}

void AllWatches::listen(AllWatch& watch) {
  if (watch.is_in_listening_) return;
  watch.is_in_listening_ = true;
  listening_.push_back(&watch);
}

std::span<AllWatch* const> AllWatches::concerned_by(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Turn:
    case ChangeKind::Tie:
      return all_;
    case ChangeKind::Later:
      std::erase_if(listening_, [](AllWatch* watch) {
        watch->is_in_listening_ = watch->listens();
        return !watch->is_in_listening_;
      });
      return listening_;
    case ChangeKind::Nothing:
      return {};
  }
  protocol::unreachable();
}

}  // namespace herd::node::watches

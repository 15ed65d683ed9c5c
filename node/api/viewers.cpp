#include "node/api/viewers.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "node/config/token_rights.hpp"

namespace herd::node::api {
namespace {

// How long writing the events of streams may hold the loop in one iteration. The HTTP thread makes their JSON and sends
// it, so they cost the loop less than those of connections.
constexpr std::chrono::microseconds kViewerSlice{500};

constexpr std::chrono::seconds kLookForExpired{1};

}  // namespace

void Viewers::begin(const Question& question, const protocol::Watch& command, const Done& done) {
  // A reload may have come after the HTTP thread has accepted the request.
  TokenPtr token = table_ != nullptr && question.token != nullptr ? table_->renewed(*question.token) : nullptr;
  if (table_ != nullptr && token == nullptr) {
    return done({Answer::Kind::Unavailable, {}, "the tokens have just changed: ask again"});
  }
  watches::Sight sight;
  if (token != nullptr) {
    sight.sees = [token](std::string_view client) { return token->see.allow(client); };
    sight.events_only = token->level == TokenLevel::Events;
  }
  Viewer viewer{asking_.new_watcher(std::move(sight), question.viewer), std::move(token), question.events};
  const std::uint64_t refused_by_limit = asking_.watch_counters().refused;
  auto result = asking_.watch(*viewer.watcher, command);
  if (const auto* refused = std::get_if<watches::Watcher::Refused>(&result)) {
    const bool is_limit = asking_.watch_counters().refused > refused_by_limit;
    return done({is_limit ? Answer::Kind::Unavailable : Answer::Kind::Unknown, {}, refused->reason});
  }
  viewers_.emplace(question.viewer, std::move(viewer));
  done({Answer::Kind::Given, std::move(std::get<watches::Watcher::Accepted>(result).line)});
}

void Viewers::hear(ViewerKey key, ViewerNews news) {
  const auto found = viewers_.find(key);
  if (found == viewers_.end()) return;
  switch (news) {
    case ViewerNews::Taken:
      found->second.can_take = true;
      if (found->second.is_due) queue(key, found->second);
      break;
    case ViewerNews::Gone:
      viewers_.erase(found);
      break;
  }
}

bool Viewers::work() {
  end_expired();
  for (const ViewerKey key : asking_.take_due_streams()) note_due(key);
  if (to_write_.empty()) return false;
  if (asking_.index_lags()) return true;
  TimeSlice slice(kViewerSlice);
  for (std::size_t turns = to_write_.size(); turns > 0 && !slice.is_over(); --turns) {
    const ViewerKey key = to_write_.front();
    to_write_.pop_front();
    const auto found = viewers_.find(key);
    if (found != viewers_.end()) write(key, found->second, slice);
  }
  return !to_write_.empty();
}

void Viewers::note_due(ViewerKey key) {
  const auto found = viewers_.find(key);
  if (found == viewers_.end()) return;
  found->second.is_due = true;
  if (found->second.can_take) queue(key, found->second);
}

void Viewers::queue(ViewerKey key, Viewer& viewer) {
  if (!std::exchange(viewer.is_queued, true)) to_write_.push_back(key);
}

void Viewers::write(ViewerKey key, Viewer& viewer, TimeSlice& slice) {
  viewer.is_queued = false;
  std::string lines;
  watches::Output out{lines, kMaxViewerBytes, slice, clock_.now()};
  viewer.is_due = viewer.watcher->write(out);
  if (lines.empty()) {
    if (viewer.is_due) queue(key, viewer);
    return;
  }
  viewer.can_take = false;
  const bool is_last = viewer.watcher->size() == 0;
  viewer.events(std::move(lines), is_last);
  if (is_last) viewers_.erase(key);
}

void Viewers::end(ViewerKey key, watches::EndReason reason) {
  const auto found = viewers_.find(key);
  std::string lines;
  found->second.watcher->end_all(reason, lines);
  found->second.events(std::move(lines), true);
  viewers_.erase(found);
}

void Viewers::end_expired() {
  const protocol::Now& now = clock_.now();
  if (table_ == nullptr || now.steady < next_look_) return;
  next_look_ = now.steady + kLookForExpired;
  end_all_if([&](const Token& token) { return token.expires <= now.wall; });
}

void Viewers::use_tokens(std::shared_ptr<const TokenTable> table) {
  table_ = std::move(table);
  if (table_ == nullptr) return;
  end_all_if([this](const Token& token) {
    const TokenPtr renewed = table_->renewed(token);
    return renewed == nullptr || renewed->expires != token.expires || !may_watch_alike(token, *renewed);
  });
}

template <typename Condition>
void Viewers::end_all_if(const Condition& condition) {
  std::vector<ViewerKey> over;
  for (const auto& [key, viewer] : viewers_) {
    if (viewer.token == nullptr || condition(*viewer.token)) over.push_back(key);
  }
  for (const ViewerKey key : over) end(key, watches::EndReason::NotAllowed);
}

void Viewers::stop() {
  while (!viewers_.empty()) end(viewers_.begin()->first, watches::EndReason::Stopping);
}

}  // namespace herd::node::api

#include "node/http/event_ring.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::http {

class EventRing::Viewer : public StreamSource {
 public:
  explicit Viewer(std::shared_ptr<EventRing> ring)
      : ring_(std::move(ring)), next_(ring_->first_ + ring_->events_.size()) {
    ring_->viewers_.push_back(this);
  }
  ~Viewer() override { std::erase(ring_->viewers_, this); }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  Pulled pull() override {
    if (next_ < ring_->first_) {
      ++ring_->overtaken_;
      return {Next::End};
    }
    const std::uint64_t index = next_ - ring_->first_;
    if (index == ring_->events_.size()) return {Next::Nothing};
    ++next_;
    return {Next::Piece, ring_->events_[index]};
  }

  void on_more(std::function<void()> wake) override { wake_ = std::move(wake); }

  void wake() const {
    if (wake_) wake_();
  }

 private:
  std::shared_ptr<EventRing> ring_;
  std::uint64_t next_;  // number of the next event for this viewer
  std::function<void()> wake_;
};

void EventRing::publish(std::string event) {
  HERD_ASSERT(!event.empty());
  bytes_ += event.size();
  events_.push_back(std::make_shared<const std::string>(std::move(event)));
  while (events_.size() > 1 && (events_.size() > limits_.events || bytes_ > limits_.bytes)) {
    bytes_ -= events_.front()->size();
    events_.pop_front();
    ++first_;
  }
  // wake() only queues the viewer. No viewer is destroyed in this loop.
  for (const Viewer* viewer : viewers_) viewer->wake();
}

std::unique_ptr<StreamSource> EventRing::view() {
  return std::make_unique<Viewer>(shared_from_this());
}

}  // namespace herd::node::http

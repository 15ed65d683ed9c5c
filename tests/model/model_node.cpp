#include "tests/model/model_node.hpp"

#include <algorithm>
#include <utility>

namespace herd::model {

protocol::Update Report::update() const {
  protocol::Update update;
  update.id = {origin, 1, 1};
  update.epoch = record.epoch;
  update.client = record.client;
  update.coordinates = record.coordinates;
  update.time_text = time_text;
  update.time = record.time;
  update.difference = difference;
  return update;
}

ModelNode::ModelNode(std::string name, std::uint64_t feed_id) : name_(std::move(name)), feed_id_(feed_id) {
  restart(0);
}

bool ModelNode::merge(const Report& report) {
  if (store_->merge(report.update(), bus::kFromClient) == bus::Store::Merged::Unchanged) return false;
  log_.push_back(report);
  numbers_.push_back(store_->feed().tail());
  records_[report.record.client] = report.record;
  return true;
}

void ModelNode::follow(std::uint64_t steps) {
  Steps slice(steps);
  index_->follow(slice, on_moved_);
}

void ModelNode::restart_without_journal(std::uint64_t feed_id) {
  feed_id_ = feed_id;
  oldest_ = 0;
  log_.clear();
  numbers_.clear();
  index_.reset();
  store_.reset();
  restart(0);
}

void ModelNode::restart(std::size_t lost) {
  const bus::ChangeNumber tail = store_ ? store_->feed().tail() : 0;
  const std::vector<Report> log = std::exchange(log_, {});
  const std::vector<bus::ChangeNumber> numbers = std::exchange(numbers_, {});
  records_.clear();
  on_moved_ = {};
  index_.reset();
  store_ = std::make_unique<bus::Store>(1);
  for (std::size_t i = 0; i + lost < log.size(); ++i) {
    store_->skip_to(numbers[i] - 1);
    (void)merge(log[i]);
  }
  if (lost > 0) oldest_ = tail + 1000;
  store_->skip_to(std::max(oldest_, store_->feed().tail()));
  index_ = std::make_unique<node::area::AreaIndex>(*store_);
  index_->start();
}

}  // namespace herd::model

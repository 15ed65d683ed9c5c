// A node of a random history: the production store, its index of areas and its watches, without links and a journal.
// Updates come in any order. Beside them it keeps its records as plain texts, for the model. For tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "protocol/update.hpp"
#include "tests/model/watch_judge.hpp"
#include "tests/sim/random.hpp"

namespace herd::model {

// An update that owns its texts.
struct Report {
  Record record;  // client, coordinates, time, epoch, AT line
  std::string time_text;
  std::string origin;
  Nanoseconds difference{};
  [[nodiscard]] protocol::Update update() const;
};

// Stops work after a number of steps.
class Steps : public node::area::Slice {
 public:
  explicit Steps(std::uint64_t steps) : left_(steps) {}
  [[nodiscard]] bool is_over() override { return left_ == 0 || --left_ == 0; }

 private:
  std::uint64_t left_;
};

class ModelNode {
 public:
  ModelNode(std::string name, std::uint64_t feed_id);

  // Returns whether the report is the client's record now.
  bool merge(const Report& report);

  // Applies changes to the index, and gives them to `on_moved`, for at most `steps` steps.
  void follow(std::uint64_t steps);
  void set_on_moved(node::area::AreaIndex::OnMoved on_moved) { on_moved_ = std::move(on_moved); }

  // Starts again from the log of its changes, with the same feed. `lost`: the number of changes at the end that a crash
  // took back. Then a new run begins, and its numbers are above all that were given out. Forgets `on_moved`.
  void restart(std::size_t lost);
  // Starts again without a journal, with a new feed. Forgets `on_moved`.
  void restart_without_journal(std::uint64_t feed_id);
  // The feed is renewed: the records keep their numbers.
  void renew(std::uint64_t feed_id) { feed_id_ = feed_id; }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t feed_id() const { return feed_id_; }
  // The number after which all numbers are those of changes that the node still has.
  [[nodiscard]] bus::ChangeNumber oldest() const { return oldest_; }
  [[nodiscard]] const bus::Store& store() const { return *store_; }
  [[nodiscard]] const node::area::AreaIndex& index() const { return *index_; }
  [[nodiscard]] const Records& records() const { return records_; }
  [[nodiscard]] const std::vector<Report>& log() const { return log_; }

 private:
  std::string name_;
  std::uint64_t feed_id_;
  bus::ChangeNumber oldest_ = 0;
  std::unique_ptr<bus::Store> store_;
  std::unique_ptr<node::area::AreaIndex> index_;
  node::area::AreaIndex::OnMoved on_moved_;
  std::vector<Report> log_;  // each change
  std::vector<bus::ChangeNumber> numbers_;
  Records records_;
};

}  // namespace herd::model

#include "node/area/near_search.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <unordered_set>
#include <utility>

#include "node/area/curve_walk.hpp"
#include "node/area/nearest.hpp"
#include "node/area/pace.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::area {

namespace {

constexpr std::size_t kPage = 1000;         // clients that are ranked at once
constexpr std::size_t kReservedNodes = 64;  // 1,024 bytes: malloc is fastest up to that

// A hint to the processor: the leaf's entries are read soon.
void prefetch_entries(const AreaNodes& nodes, const AreaNodes::Leaf& leaf) {
  constexpr std::size_t kCacheLine = 64;
  if (leaf.is_crowd()) return;
  const AreaNodes::Entries all = nodes.entries(leaf);
  for (std::size_t i = 0; i < all.count; i += kCacheLine / sizeof *all.x) {
    protocol::prefetch(all.x + i);
    protocol::prefetch(all.y + i);
  }
}

// Offers all clients of a walk to the ranking.
class Offering final : public CurveVisitor {
 public:
  Offering(const AreaNodes& nodes, Nearest& nearest) : nodes_(nodes), nearest_(nearest) {}

  bool enters(NodeId node, const Cell& place, bool /*whole*/) override {
    return nearest_.wants(range_of(place)) && (is_leaf(node) || nearest_.wants(range_of(nodes_.cell(node))));
  }
  bool visit(const AreaNodes::Entries& entries, Pace& pace) override {
    nearest_.offer_all(entries);
    (void)pace.spend(nearest_.take_work());
    return true;
  }

 private:
  const AreaNodes& nodes_;
  Nearest& nearest_;
};

}  // namespace

// The answer is made in pages of kPage clients, each of which continues after the last one. A page is found by one of
// two ways:
// - In one slice, the nodes are visited by their least distance, nearest first, until no nearer client is left.
// - If one slice is not enough, because the filter refuses very many clients or many are at about one distance, a walk
//   along the curve finds the page in several slices. It reads all nodes that may have clients of the page.
class NearSearch::Work {
 public:
  Work(const AreaTree& tree, const Disc& disc, std::size_t max, std::optional<NearPlace> after, Accepts accepts)
      : tree_(tree), disc_(disc), max_(max), after_(std::move(after)), accepts_(std::move(accepts)) {}

  bool run(Slice& slice);
  std::vector<Found> take() { return std::move(found_); }
  [[nodiscard]] bool has_more() const { return has_more_; }

 private:
  struct Waiting {
    double least = 0;  // h of no client of the node is below this
    NodeId node = kNoNode;
    bool operator<(const Waiting& other) const { return least > other.least; }  // the top of the queue is the nearest
  };
  using Queue = std::priority_queue<Waiting>;

  // The clients of the page that begins, without those already found.
  [[nodiscard]] std::size_t page_size() const { return std::min(kPage, max_ - returned_); }
  void begin_page() { nearest_ = std::make_unique<Nearest>(tree_, disc_, page_size() + 1, after_, accepts_); }
  void begin_walk();
  // These return false if the slice was over first.
  [[nodiscard]] bool find_by_distance(Pace& pace);
  [[nodiscard]] bool find_by_walk(Pace& pace);
  void push_children(const AreaNodes::Inner& inner, Queue& queue) const;
  // Pushes the node if a client of its range can be wanted. Returns whether it did.
  bool push(NodeId node, const SpotRange& range, Queue& queue) const;
  // Returns whether the answer is complete.
  [[nodiscard]] bool end_page();
  void keep(std::vector<Found> page);

  const AreaTree& tree_;
  const Disc disc_;
  const std::size_t max_;
  std::optional<NearPlace> after_;  // the place from which the page continues
  const Accepts accepts_;
  std::unique_ptr<Nearest> nearest_;            // the ranking of the page
  std::optional<CurveWalk> walk_;               // of the page, if it needs one
  bool sliced_ = false;                         // a client may be found again at another point
  std::unordered_set<bus::RecordIndex> known_;  // the clients in found_, if sliced_
  std::vector<Found> found_;
  std::size_t returned_ = 0;  // places of the pages before; more than found_ has, if clients were found again
  bool has_more_ = false;
};

bool NearSearch::Work::run(Slice& slice) {
  Pace pace(slice);
  for (bool is_first = true;; is_first = false) {
    if (walk_) {
      if (!find_by_walk(pace)) return false;
    } else if (!find_by_distance(pace)) {
      if (is_first) begin_walk();
      sliced_ = true;
      return false;
    }
    if (end_page()) return true;
    if (!pace.is_over()) continue;
    return false;
  }
}

void NearSearch::Work::begin_walk() {
  begin_page();
  walk_.emplace(tree_, CurvePosition{});
}

bool NearSearch::Work::find_by_walk(Pace& pace) {
  Offering offering(tree_.nodes(), *nearest_);
  return walk_->run(pace, offering);
}

bool NearSearch::Work::find_by_distance(Pace& pace) {
  begin_page();
  const AreaNodes& nodes = tree_.nodes();
  std::vector<Waiting> memory;
  memory.reserve(kReservedNodes);
  Queue queue({}, std::move(memory));
  for (Chart chart = 0; chart < kCharts; ++chart) {
    if (nodes.root(chart) != kNoNode) push(nodes.root(chart), range_of(chart), queue);
  }
  while (!queue.empty() && queue.top().least <= nearest_->limit()) {
    const NodeId node = queue.top().node;
    queue.pop();
    if (!is_leaf(node)) {
      push_children(nodes.inner(node), queue);
    } else if (const AreaNodes::Leaf& leaf = nodes.leaf(node); leaf.is_crowd()) {
      if (!nearest_->offer_crowd(nodes.crowd(leaf), pace)) return false;
    } else {
      nearest_->offer_all(nodes.entries(leaf));
      if (pace.spend(leaf.count + nearest_->take_work())) return false;
    }
    if (pace.spend(Pace::kNode)) return false;
  }
  return true;
}

void NearSearch::Work::push_children(const AreaNodes::Inner& inner, Queue& queue) const {
  // Most nodes and entries are not in the cache. These loops let their loads overlap.
  const AreaNodes& nodes = tree_.nodes();
  for (const NodeId child : inner.children) {
    if (child != kNoNode) nodes.prefetch(child);
  }
  const Cell cell = inner.cell();
  std::array<bool, 4> is_pushed{};
  for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {
    const NodeId child = inner.children[quadrant];
    if (child != kNoNode) is_pushed[quadrant] = push(child, range_of(cell.quadrant(quadrant)), queue);
  }
  for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {
    const NodeId child = inner.children[quadrant];
    if (is_pushed[quadrant] && is_leaf(child)) prefetch_entries(nodes, nodes.leaf(child));
  }
}

bool NearSearch::Work::push(NodeId node, const SpotRange& range, Queue& queue) const {
  const double least = nearest_->haversine().least(range, nearest_->limit());
  if (!nearest_->wants(range, least)) return false;
  queue.push({least, node});
  return true;
}

bool NearSearch::Work::end_page() {
  std::vector<Found> page = nearest_->ranked();
  nearest_.reset();
  walk_.reset();
  has_more_ = page.size() > page_size();
  if (has_more_) page.pop_back();
  returned_ += page.size();
  const bool is_complete = !has_more_ || returned_ == max_;
  if (!is_complete) {
    sliced_ = true;
    after_ = NearPlace{page.back().distance, std::string(tree_.id_of(page.back().record))};
  }
  keep(std::move(page));
  return is_complete;
}

void NearSearch::Work::keep(std::vector<Found> page) {
  if (!sliced_) {
    found_ = std::move(page);
    return;
  }
  for (const Found& one : page) {
    if (known_.insert(one.record).second) found_.push_back(one);
  }
}

NearSearch::NearSearch(const AreaTree& tree, protocol::Point centre, protocol::Millimetres radius, std::size_t max,
                       std::optional<NearPlace> after, Accepts accepts)
    : work_(std::make_unique<Work>(tree, Disc{centre, radius}, max, std::move(after), std::move(accepts))) {}
NearSearch::~NearSearch() = default;
NearSearch::NearSearch(NearSearch&&) noexcept = default;
NearSearch& NearSearch::operator=(NearSearch&&) noexcept = default;

bool NearSearch::run(Slice& slice) {
  return work_->run(slice);
}

std::vector<Found> NearSearch::take() {
  return work_->take();
}

bool NearSearch::has_more() const {
  return work_->has_more();
}

}  // namespace herd::node::area

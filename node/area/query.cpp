#include "node/area/query.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "node/area/area_filter.hpp"
#include "node/area/at_line.hpp"
#include "node/area/client_filter.hpp"
#include "node/area/count_search.hpp"
#include "node/area/cursor_text.hpp"
#include "node/area/near_search.hpp"
#include "node/area/sphere.hpp"
#include "node/area/within_search.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/point.hpp"
#include "protocol/reply.hpp"

namespace herd::node::area {
namespace {

using bus::RecordIndex;
using protocol::Parsed;

// The centre of a circle, found in the store.
struct FoundCentre {
  protocol::Point point;
  std::optional<RecordIndex> client;  // nullopt: the query names a point
};

// The centre as the query names it, with its own text.
struct NamedCentre {
  explicit NamedCentre(const protocol::Centre& centre) : client(centre.client), point(centre.point) {}

  // Excludes a centre that is a client from `filter`.
  [[nodiscard]] Parsed<FoundCentre> find(const bus::Store& store, ClientFilter& filter) const {
    if (client.empty()) return FoundCentre{point, std::nullopt};
    const auto slot = store.locate(client);
    if (!slot.found() || !filter.may_see(client)) return protocol::refuse(kUnknownCentre);
    const bus::RecordView record = store.record_at(slot.index());
    if (bus::is_reset(record)) return protocol::refuse(kUnknownCentre);
    filter.exclude(slot.index());
    return FoundCentre{protocol::point_of(record.coordinates), slot.index()};
  }

  std::string client;
  protocol::Point point;
};

// The lines about clients of an answer. They are added in any order, usually in the right one, and sorted at the end.
class ClientLines {
 public:
  // The order of the lines: by these numbers, then by the bytes of the ids.
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };

  // Adds a line, which `append(out)` appends.
  template <typename Append>
  void add(const Key& key, RecordIndex record, Append append) {
    const std::size_t begin = text_.size();
    append(text_);
    lines_.push_back({key, record, begin, text_.size() - begin});
  }

  // Makes room for this number of lines, and for END.
  void reserve(std::size_t lines) {
    constexpr std::size_t kLineBytes = 112;  // of an IS line with a short id
    lines_.reserve(lines);
    text_.reserve((lines + 1) * kLineBytes);
  }

  [[nodiscard]] std::size_t size() const { return lines_.size(); }

  // Call it once, at the end.
  void append_sorted(std::string& out, const bus::Store& store) {
    const auto rank = [](const Line& line) { return std::tie(line.key.high, line.key.low); };
    const auto is_before = [&](const Line& a, const Line& b) {
      if (rank(a) != rank(b)) return rank(a) < rank(b);
      return store.packed_at(a.record).client < store.packed_at(b.record).client;
    };
    if (std::is_sorted(lines_.begin(), lines_.end(), is_before)) {
      if (out.empty()) {
        out = std::move(text_);
      } else {
        out.append(text_);
      }
      return;
    }
    std::sort(lines_.begin(), lines_.end(), is_before);
    out.reserve(out.size() + text_.size());
    for (const Line& line : lines_) out.append(text_, line.begin, line.bytes);
  }

 private:
  struct Line {
    Key key;
    RecordIndex record;
    std::size_t begin;
    std::size_t bytes;
  };
  std::string text_;
  std::vector<Line> lines_;
};

// The most lines that are made between two looks at the slice: about 5 us. The records of the next ones are prefetched
// in that time.
constexpr std::size_t kLinesAtOnce = 8;

// `END <count>`, or `END <count> <cursor>` if there is one.
void append_end(std::string& out, std::size_t count, const std::optional<std::string>& cursor) {
  out.append("END ").append(std::to_string(count));
  if (cursor) out.append(" ").append(*cursor);
  out.append("\n");
}

}  // namespace

class Query::Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  // Returns why the query is refused; empty: it is not.
  [[nodiscard]] virtual std::string_view begin(protocol::Nanoseconds wall) = 0;
  [[nodiscard]] virtual bool run(Slice& slice) = 0;
  [[nodiscard]] virtual std::string take_answer() = 0;
};

// The work of NEAR and WITHIN: searches, then reads the clients that were found and makes their lines.
class Query::ListWork : public Query::Work {
 public:
  explicit ListWork(const bus::Store& store) : store_(store) {}

  [[nodiscard]] bool run(Slice& slice) final {
    if (!is_searched_) {
      if (!search(slice, found_)) return false;
      is_searched_ = true;
      lines_.reserve(found_.size());
      prefetch(0);
    }
    while (at_ < found_.size()) {
      const std::size_t end = std::min(found_.size(), at_ + kLinesAtOnce);
      prefetch(end);
      for (; at_ < end; ++at_) add_line(found_[at_]);
      if (at_ < found_.size() && slice.is_over()) return false;
    }
    return true;
  }

 protected:
  // Continues the search. Returns true, and the clients that were found, once it is complete.
  [[nodiscard]] virtual bool search(Slice& slice, std::vector<RecordIndex>& found) = 0;
  // Adds the client's line to `lines_` if it is in the area now.
  virtual void add_line(RecordIndex record) = 0;

  ClientLines lines_;

 private:
  void prefetch(std::size_t from) const {
    const std::size_t end = std::min(found_.size(), from + kLinesAtOnce);
    for (std::size_t i = from; i < end; ++i) store_.prefetch(found_[i]);
  }

  const bus::Store& store_;
  bool is_searched_ = false;
  std::vector<RecordIndex> found_;
  std::size_t at_ = 0;  // in found_
};

class Query::NearWork final : public Query::ListWork {
 public:
  NearWork(const Parts& parts, const protocol::Near& near, Visible visible)
      : ListWork(parts.store),
        parts_(parts),
        centre_(near.circle.centre),
        radius_(near.circle.radius),
        max_(static_cast<std::size_t>(near.max)),
        cursor_(near.after),
        hash_(query_hash(near)),
        filter_(parts.store, near.filter, std::move(visible)) {}

  [[nodiscard]] std::string_view begin(protocol::Nanoseconds wall) override {
    filter_.set_wall(wall);
    const auto centre = centre_.find(parts_.store, filter_);
    if (!centre) return centre.error();
    if (!cursor_.empty()) {
      const auto after = read_near_cursor(hash_, cursor_);
      if (!after) return after.error();
      after_ = *after;
    }
    point_ = centre->point;
    from_centre_ = FromCentre(point_);
    if (centre->client) {
      protocol::append_at(answer_, at_line_of(parts_.store.record_at(*centre->client)));
      count_ = 1;
    }
    return {};
  }

  [[nodiscard]] std::string take_answer() override {
    count_ += lines_.size();
    lines_.append_sorted(answer_, parts_.store);
    append_end(answer_, count_, has_more_ ? std::optional(cursor_text(hash_, after_)) : std::nullopt);
    return std::move(answer_);
  }

 protected:
  [[nodiscard]] bool search(Slice& slice, std::vector<RecordIndex>& found) override {
    if (!search_) search_.emplace(parts_.index.tree(), point_, radius_, max_, after_, filter_.accepts());
    if (!search_->run(slice)) return false;
    has_more_ = search_->has_more();
    const std::vector<Found> nearest = search_->take();
    found.reserve(nearest.size());
    for (const Found& each : nearest) found.push_back(each.record);
    if (!nearest.empty()) {
      const std::string_view last = parts_.store.packed_at(nearest.back().record).client;
      after_ = NearPlace{nearest.back().distance, std::string(last)};
    }
    return true;
  }

  void add_line(RecordIndex index) override {
    const bus::RecordView record = parts_.store.record_at(index);
    if (bus::is_reset(record) || !filter_.is_new_enough(record.time)) return;
    const Polar seen = from_centre_.polar(protocol::point_of(record.coordinates));
    if (seen.distance > radius_) return;
    lines_.add({static_cast<std::uint64_t>(seen.distance), 0}, index, [&](std::string& out) {
      out.append("IS ");
      append_km(out, seen.distance);
      out.append(" ");
      append_bearing(out, seen.bearing);
      out.append(" ");
      protocol::append_at(out, at_line_of(record));
    });
  }

 private:
  Parts parts_;
  NamedCentre centre_;
  protocol::Millimetres radius_;
  std::size_t max_;
  std::string cursor_;
  QueryHash hash_;
  ClientFilter filter_;

  protocol::Point point_;  // of the centre
  FromCentre from_centre_{point_};
  std::optional<NearPlace> after_;  // where the search starts; after it, its last client
  std::optional<NearSearch> search_;
  bool has_more_ = false;
  std::string answer_;     // the centre's line, then all
  std::size_t count_ = 0;  // of lines in answer_
};

class Query::WithinWork final : public Query::ListWork {
 public:
  WithinWork(const Parts& parts, const protocol::Within& within, Visible visible)
      : ListWork(parts.store),
        parts_(parts),
        box_(within.box),
        inside_(within.box),
        max_(static_cast<std::size_t>(within.max)),
        cursor_(within.after),
        hash_(query_hash(within)),
        filter_(parts.store, within.filter, std::move(visible)) {}

  [[nodiscard]] std::string_view begin(protocol::Nanoseconds wall) override {
    filter_.set_wall(wall);
    if (cursor_.empty()) return {};
    const auto after = read_within_cursor(hash_, cursor_);
    if (!after) return after.error();
    after_ = *after;
    return {};
  }

  [[nodiscard]] std::string take_answer() override {
    std::string answer;
    lines_.append_sorted(answer, parts_.store);
    append_end(answer, lines_.size(), has_more_ ? std::optional(cursor_text(hash_, after_)) : std::nullopt);
    return answer;
  }

 protected:
  [[nodiscard]] bool search(Slice& slice, std::vector<RecordIndex>& found) override {
    if (!search_) search_.emplace(parts_.index.tree(), box_, max_, after_, filter_.accepts());
    if (!search_->run(slice)) return false;
    has_more_ = search_->has_more();
    if (auto last = search_->last_place()) after_ = std::move(last);
    found = search_->take();
    return true;
  }

  void add_line(RecordIndex index) override {
    const bus::RecordView record = parts_.store.record_at(index);
    if (bus::is_reset(record) || !filter_.is_new_enough(record.time)) return;
    const protocol::Point point = protocol::point_of(record.coordinates);
    if (!inside_.contains(spot_of(point))) return;
    const CurveKey key = curve_key(point);
    lines_.add({key.chart, key.interleaved}, index,
               [&](std::string& out) { protocol::append_at(out, at_line_of(record)); });
  }

 private:
  Parts parts_;
  protocol::Box box_;
  BoxFilter inside_;
  std::size_t max_;
  std::string cursor_;
  QueryHash hash_;
  ClientFilter filter_;

  std::optional<WithinPlace> after_;  // where the search starts; after it, its last client
  std::optional<WithinSearch> search_;
  bool has_more_ = false;
};

class Query::CountWork final : public Query::Work {
 public:
  CountWork(const Parts& parts, const protocol::Count& count, Visible visible)
      : parts_(parts), filter_(parts.store, count.filter, std::move(visible)) {
    std::visit(protocol::Overloaded{
                   [&](const protocol::Circle& circle) {
                     centre_.emplace(circle.centre);
                     area_ = Disc{{}, circle.radius};
                   },
                   [&](const protocol::Box& box) { area_ = box; },
               },
               count.area);
  }

  [[nodiscard]] std::string_view begin(protocol::Nanoseconds wall) override {
    filter_.set_wall(wall);
    if (!centre_) return {};
    const auto centre = centre_->find(parts_.store, filter_);
    if (!centre) return centre.error();
    std::get<Disc>(area_).centre = centre->point;
    return {};
  }

  [[nodiscard]] bool run(Slice& slice) override {
    if (!search_) search_.emplace(parts_.index.tree(), area_, filter_.excluded(), filter_.accepts(true));
    return search_->run(slice);
  }

  [[nodiscard]] std::string take_answer() override { return "COUNT " + std::to_string(search_->count()) + "\n"; }

 private:
  Parts parts_;
  std::optional<NamedCentre> centre_;  // nullopt: a box
  std::variant<Disc, protocol::Box> area_;
  ClientFilter filter_;
  std::optional<CountSearch> search_;
};

Query::Query(const Parts& parts, const Asked& asked, Visible visible) {
  std::visit(
      protocol::Overloaded{
          [&](const protocol::Near& near) { work_ = std::make_unique<NearWork>(parts, near, std::move(visible)); },
          [&](const protocol::Within& within) {
            work_ = std::make_unique<WithinWork>(parts, within, std::move(visible));
          },
          [&](const protocol::Count& count) { work_ = std::make_unique<CountWork>(parts, count, std::move(visible)); },
      },
      asked);
}

Query::~Query() = default;

Query::Begun Query::begin(protocol::Nanoseconds wall) {
  reason_ = work_->begin(wall);
  return reason_.empty() ? Begun::Running : Begun::Refused;
}

bool Query::run(Slice& slice) {
  return work_->run(slice);
}

std::string Query::take_answer() {
  return work_->take_answer();
}

}  // namespace herd::node::area

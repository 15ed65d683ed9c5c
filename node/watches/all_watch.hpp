// A watch of all clients, or of all with a prefix. It holds no members: what the reader knows of a client follows from
// the cursor, except for the clients that changed after it. Of those it holds only the exceptions:
//   turned   clients that the reader knows, and that are reset now; or the other way round
//   tied     clients that changed, but not to a later time
// Both are empty when the reader has read everything. Pure; loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "node/watches/watch.hpp"

namespace herd::node::watches {

class AllWatch final : public Watch {
 public:
  // `what` is AllClients or a prefix.
  AllWatch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now);
  ~AllWatch() override;

  bool note(const area::Moved& moved, const Change& change) override;
  void check_invariants() const override;

  // Whether note() must be called for later reports.
  [[nodiscard]] bool listens() const { return is_current() || !tied_.empty(); }

  // The most exceptions. With more, a reader that is that far from reading everything gets ENTER for each client that
  // changed and exists, and GONE for each that was reset: the state is right, though the reader may know it.
  static constexpr std::size_t kMaxExceptions = 16'384;

 private:
  friend class AllWatches;

  enum class Stage : std::uint8_t { Begin, List, Changes, Ready };  // Ready: also after the opening
  // Of the opening: the records below `end`, and not below that of the mark before, were listed after this change.
  struct Mark {
    bus::RecordIndex end = 0;
    bus::ChangeNumber number = 0;
  };

  bool open(Output& out) override;
  void judge(bus::RecordIndex record, bus::ChangeNumber number, Output& out) override;
  bool complete(Output&) override { return true; }
  bool end_dwelling(Output&) override { return true; }
  void caught_up() override;
  void write_held(bus::RecordIndex record, Output& out) override;
  void release_held(bus::RecordIndex record) override { tied_.erase(record); }
  [[nodiscard]] std::optional<bus::ChangeNumber> lowest_held() const override { return std::nullopt; }
  [[nodiscard]] std::optional<protocol::Nanoseconds> dwelling_until() const override { return std::nullopt; }

  bool list(Output& out);
  bool write_changes(Output& out);
  void except(bus::RecordIndex record, const Change& change);
  // The change up to which the reader knew everything when this record was listed; 0 if it was not.
  [[nodiscard]] bus::ChangeNumber listed_after(bus::RecordIndex record) const;

  Stage stage_ = Stage::Begin;
  bool is_in_listening_ = false;  // of AllWatches
  bool is_vague_ = false;         // there were more than kMaxExceptions, and there are none now
  bus::RecordIndex next_ = 0;     // of the list
  std::uint32_t read_ = 0;        // records of the feed that it has judged since it was current
  std::uint64_t count_ = 0;       // HERE lines
  bus::ChangeNumber begun_ = 0;   // the changes after it are still to be judged
  std::vector<Mark> marks_;
  std::unordered_set<bus::RecordIndex> turned_;
  std::unordered_set<bus::RecordIndex> tied_;
};

}  // namespace herd::node::watches

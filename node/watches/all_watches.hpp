// The watches of a node that hold no members (node/watches/all_watch.hpp): finds those that a change concerns. A watch
// with unread changes reads later reports out of the feed when it writes, so a later report concerns only watches
// without unread changes, and those with an unread tie. Pure; loop thread only.
#pragma once

#include <span>
#include <vector>

#include "node/watches/versions.hpp"

namespace herd::node::watches {

class AllWatch;

class AllWatches {
 public:
  // Borrowed until remove(), which takes O(watches).
  void add(AllWatch& watch) { all_.push_back(&watch); }
  void remove(AllWatch& watch);

  // From now on later reports concern the watch too, as long as its listens() is true.
  void listen(AllWatch& watch);

  // The watches that a change of this kind concerns. Valid until the next call of a function of this class; but while
  // the watches of another kind than Later are visited, listen() may be called.
  [[nodiscard]] std::span<AllWatch* const> concerned_by(ChangeKind kind);

 private:
  std::vector<AllWatch*> all_;
  std::vector<AllWatch*> listening_;  // each once; a watch that stopped listening is removed by concerned_by()
};

}  // namespace herd::node::watches

// The watches that hold no members (node/watches/all_watch.hpp), and which of them a change concerns. One that has
// unread changes reads later reports out of the feed when it is written. So with many watchers of clients that report
// often, a report costs nothing for those that have not yet read the one before. Pure; loop thread only.
#pragma once

#include <vector>

#include "node/watches/versions.hpp"

namespace herd::node::watches {

class AllWatch;

class AllWatches {
 public:
  // Borrowed until remove(). Both take O(watches).
  void add(AllWatch& watch) { all_.push_back(&watch); }
  void remove(AllWatch& watch);

  // From now on later reports concern the watch too, as long as its listens() is true.
  void listen(AllWatch& watch);

  // The watches that a change of this kind concerns. Valid until the next call of another function; but listen() may be
  // called if the kind is not Later.
  [[nodiscard]] const std::vector<AllWatch*>& concerned_by(ChangeKind kind);

 private:
  std::vector<AllWatch*> all_;
  std::vector<AllWatch*> listening_;  // all that listen, and some that no longer do; each once
  std::vector<AllWatch*> none_;       // always empty
};

}  // namespace herd::node::watches

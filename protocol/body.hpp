// The second frame of a batch: its updates, with each origin named once. Several links can share one encoded body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.hpp"
#include "protocol/update.hpp"

namespace herd::protocol {

// Collects updates and encodes them. Not thread-safe. It keeps its memory: use it again.
class BodyEncoder {
 public:
  // False, and nothing is added, if the body could then exceed kMaxBatchBytes.
  [[nodiscard]] bool add(const Update& update);

  [[nodiscard]] std::size_t size() const { return count_; }

  // What the frame would be long, at most, but for a few bytes around it.
  [[nodiscard]] std::size_t bytes() const { return updates_.size() + origin_bytes_; }

  // The frame of all that was added; the encoder is empty again.
  [[nodiscard]] std::string finish();

  // Forgets all that was added.
  void clear();

 private:
  [[nodiscard]] std::size_t origin_index(const UpdateId& id);

  struct Origin {
    std::string name;
    std::uint64_t run;
  };
  std::vector<Origin> origins_;
  std::string updates_;  // encoded one after the other, without the array's head
  std::size_t count_ = 0;
  std::size_t origin_bytes_ = 0;  // at most, once encoded
};

// What a body frame says. Views point into the frame. `time` of an update is not filled: the text is only looked at
// when the update is new (bus/replica/replica_merge.cpp).
struct Body {
  struct Origin {
    std::string_view name;
    std::uint64_t run = 0;
  };
  struct Entry {
    Update update;
    std::size_t origin = 0;  // index into origins
  };
  std::vector<Origin> origins;
  std::vector<Entry> updates;
  std::size_t unreadable = 0;  // entries of a wrong shape, passed over so that they cannot block a link
};

// Any bytes may be given. An Error where the frame as a whole is no body; single entries of a wrong shape are counted
// and passed over. `into` is reused, to spare allocations.
[[nodiscard]] Result<void> decode_body(std::string_view frame, Body& into);

// The same, by msgpack's parser alone: what decode_body() does with a body in any but the usual forms.
[[nodiscard]] Result<void> decode_any_body(std::string_view frame, Body& into);

}  // namespace herd::protocol

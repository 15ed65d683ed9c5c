// The body: the frame of a BATCH or an ANSWER that contains updates. Each origin is named once in it, and each update
// refers to its origin by index; docs/PROTOCOL.md has the grammar. A body does not depend on the receiver, so several
// links can send the same encoded body. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.hpp"
#include "protocol/update.hpp"

namespace herd::protocol {

// Encodes updates as they are added. Not thread-safe. Reuse an encoder: it does not release its memory after a body.
class BodyEncoder {
 public:
  // Adds an update. Returns false and adds nothing if the body could exceed kMaxBatchBytes with it.
  [[nodiscard]] bool add(const Update& update);

  // The number of updates added.
  [[nodiscard]] std::size_t size() const { return count_; }

  // An upper bound of the frame's length in bytes, without the array heads of at most 16 bytes.
  [[nodiscard]] std::size_t bytes() const { return updates_.size() + origin_bytes_; }

  // Returns the frame with all updates added, and empties the encoder.
  [[nodiscard]] std::string finish();

  // Drops all updates added.
  void clear();

 private:
  [[nodiscard]] std::size_t origin_index(const UpdateId& id);

  struct Origin {
    std::string name;
    std::uint64_t run;
  };
  std::vector<Origin> origins_;
  std::string updates_;  // the encoded updates one after the other, without the head of their array
  std::size_t count_ = 0;
  std::size_t origin_bytes_ = 0;  // upper bound of the length of the encoded origins
};

// The content of a body frame. The views point into the frame. Update::time is not set: its text is parsed only if the
// update is new (bus/replica/body_merger.cpp).
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
  std::size_t unreadable = 0;  // updates of a wrong shape; they are skipped, so that they cannot block a link
};

// Decodes any bytes. Returns an Error if the frame as a whole is not a body; counts and skips single updates of a wrong
// shape. Overwrites `into` and reuses its memory.
[[nodiscard]] Result<void> decode_body(std::string_view frame, Body& into);

}  // namespace herd::protocol

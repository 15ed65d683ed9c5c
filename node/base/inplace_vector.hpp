// A vector with a fixed capacity and inline storage. It never allocates, and its construction costs nothing, because
// items are constructed when they are added. Items must be trivially destructible. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node {

template <typename Item, std::size_t kCapacity>
class InplaceVector {
 public:
  static_assert(std::is_trivially_destructible_v<Item>);

  InplaceVector() {}  // NOLINT(modernize-use-equals-default): leaves items_ uninitialised
  InplaceVector(const InplaceVector&) = delete;
  InplaceVector& operator=(const InplaceVector&) = delete;

  // Requires !full().
  template <typename... Arguments>
  Item& emplace_back(Arguments&&... arguments) {
    HERD_ASSERT(!full());
    return *std::construct_at(&items_[size_++], std::forward<Arguments>(arguments)...);
  }

  [[nodiscard]] bool full() const { return size_ == kCapacity; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Item& operator[](std::size_t at) { return items_[at]; }
  [[nodiscard]] Item* begin() { return &items_[0]; }
  [[nodiscard]] Item* end() { return begin() + size_; }
  [[nodiscard]] const Item* begin() const { return &items_[0]; }
  [[nodiscard]] const Item* end() const { return begin() + size_; }

 private:
  union {
    Item items_[kCapacity];
  };
  std::size_t size_ = 0;
};

}  // namespace herd::node

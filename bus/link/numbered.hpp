// Values that are known by a number, such as the links of a replica, of which the records contain the number. A value
// keeps its number as long as it exists. The number of a removed value is free, and the lowest free number is given out
// first, so numbers stay low however often peers come and go.
//
// Example: the peers Smith, Jaquez and Campbell have the numbers 0, 1 and 2.
//
//   remove(1)    the numbers in use are 0 and 2; end_number() stays 3
//   add(Powell)  gets the number 1
//
// A plain container. References to a value are valid until the next add() or put().
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "bus/store/packed_record.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

template <typename T>
class Numbered {
 public:
  // Visits the values in the order of their numbers, and skips free numbers.
  template <typename Slot, typename Value>
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = Value*;
    using reference = Value&;

    Iterator() = default;
    Iterator(Slot* at, Slot* end) : at_(at), end_(end) { skip_free(); }
    reference operator*() const { return **at_; }
    pointer operator->() const { return &**at_; }
    Iterator& operator++() {
      ++at_;
      skip_free();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void skip_free() {
      while (at_ != end_ && !*at_) ++at_;
    }
    Slot* at_ = nullptr;
    Slot* end_ = nullptr;
  };

  // The lowest free number, which add() gives out next.
  [[nodiscard]] PeerIndex free_number() const {
    const auto free = std::find(slots_.begin(), slots_.end(), std::nullopt);
    return static_cast<PeerIndex>(free - slots_.begin());
  }
  // Adds a value; returns its number, free_number().
  PeerIndex add(T value) {
    const PeerIndex number = free_number();
    put(number, std::move(value));
    return number;
  }
  // Adds a value with this number, which must be free: for a part that follows the numbers of another.
  void put(PeerIndex number, T value) {
    HERD_ASSERT(!has(number));
    if (number >= slots_.size()) slots_.resize(std::size_t{number} + 1);
    slots_[number].emplace(std::move(value));
  }
  // Removes the value with this number, which must be in use.
  void remove(PeerIndex number) {
    HERD_ASSERT(has(number));
    slots_[number].reset();
    while (!slots_.empty() && !slots_.back()) slots_.pop_back();
  }

  // Whether a number is in use. Any number is allowed.
  [[nodiscard]] bool has(PeerIndex number) const { return number < slots_.size() && slots_[number].has_value(); }
  // The value with this number, which must be in use.
  [[nodiscard]] T& operator[](PeerIndex number) { return *slots_[number]; }
  [[nodiscard]] const T& operator[](PeerIndex number) const { return *slots_[number]; }
  // All numbers in use are below this one.
  [[nodiscard]] PeerIndex end_number() const { return static_cast<PeerIndex>(slots_.size()); }
  // How many numbers are in use.
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(std::distance(begin(), end())); }

  [[nodiscard]] auto begin() { return iterator_at<T>(slots_, 0); }
  [[nodiscard]] auto end() { return iterator_at<T>(slots_, slots_.size()); }
  [[nodiscard]] auto begin() const { return iterator_at<const T>(slots_, 0); }
  [[nodiscard]] auto end() const { return iterator_at<const T>(slots_, slots_.size()); }

 private:
  template <typename Value, typename Slots>
  [[nodiscard]] static auto iterator_at(Slots& slots, std::size_t number) {
    auto* const data = slots.data();
    return Iterator<std::remove_pointer_t<decltype(data)>, Value>(data + number, data + slots.size());
  }

  std::vector<std::optional<T>> slots_;  // the last one is in use
};

}  // namespace herd::bus

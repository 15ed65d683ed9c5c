#include "node/area/crowd.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::node::area {

namespace {

constexpr std::size_t kSmallChunk = Crowd::kMaxChunk / 4;
constexpr std::size_t kJoinedChunk = Crowd::kMaxChunk / 4 * 3;  // the most records of two that are joined

std::string_view id_of(const bus::Store& store, bus::RecordIndex record) {
  return store.packed_at(record).client;
}

}  // namespace

// The last chunk of which the first id is not above `client`, or the first chunk.
std::size_t Crowd::chunk_of(const bus::Store& store, std::string_view client) const {
  const auto above =
      std::upper_bound(chunks_.begin() + 1, chunks_.end(), client,
                       [&](std::string_view id, const Chunk& chunk) { return id < id_of(store, chunk.front()); });
  return static_cast<std::size_t>(above - chunks_.begin()) - 1;
}

void Crowd::insert(const bus::Store& store, bus::RecordIndex record) {
  ++size_;
  if (chunks_.empty()) {
    chunks_.push_back({record});
    return;
  }
  const std::string_view client = id_of(store, record);
  std::size_t at = chunk_of(store, client);
  if (chunks_[at].size() == kMaxChunk) {
    const auto middle = chunks_[at].begin() + kMaxChunk / 2;
    Chunk upper(middle, chunks_[at].end());
    chunks_[at].erase(middle, chunks_[at].end());
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
    if (client > id_of(store, chunks_[at + 1].front())) ++at;
  }
  Chunk& chunk = chunks_[at];
  const auto position =
      std::lower_bound(chunk.begin(), chunk.end(), client,
                       [&](bus::RecordIndex other, std::string_view id) { return id_of(store, other) < id; });
  chunk.insert(position, record);
}

void Crowd::erase(const bus::Store& store, bus::RecordIndex record) {
  const std::string_view client = id_of(store, record);
  const std::size_t at = chunk_of(store, client);
  Chunk& chunk = chunks_[at];
  const auto position =
      std::lower_bound(chunk.begin(), chunk.end(), client,
                       [&](bus::RecordIndex other, std::string_view id) { return id_of(store, other) < id; });
  HERD_ASSERT(position != chunk.end() && *position == record);
  chunk.erase(position);
  --size_;
  if (chunk.empty()) {
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at));
  } else if (chunk.size() < kSmallChunk) {
    join_with_neighbour(at);
  }
}

void Crowd::join_with_neighbour(std::size_t at) {
  if (chunks_.size() == 1) return;
  const std::size_t left = at == 0 ? 0 : at - 1;
  Chunk& to = chunks_[left];
  const Chunk& from = chunks_[left + 1];
  if (to.size() + from.size() > kJoinedChunk) return;
  to.insert(to.end(), from.begin(), from.end());
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(left) + 1);
}

Crowd::Place Crowd::after(const bus::Store& store, std::string_view client) const {
  if (chunks_.empty()) return {};
  const std::size_t at = chunk_of(store, client);
  const Chunk& chunk = chunks_[at];
  const auto position =
      std::upper_bound(chunk.begin(), chunk.end(), client,
                       [&](std::string_view id, bus::RecordIndex other) { return id < id_of(store, other); });
  return {at, static_cast<std::size_t>(position - chunk.begin())};
}

const bus::RecordIndex* Crowd::next(Place& place) const {
  if (place.chunk < chunks_.size() && place.offset == chunks_[place.chunk].size()) place = {place.chunk + 1, 0};
  if (place.chunk == chunks_.size()) return nullptr;
  return &chunks_[place.chunk][place.offset++];
}

std::size_t Crowd::memory() const {
  std::size_t bytes = sizeof *this + chunks_.capacity() * sizeof(Chunk);
  for (const Chunk& chunk : chunks_) bytes += chunk.capacity() * sizeof(bus::RecordIndex);
  return bytes;
}

void Crowd::check_invariants(const bus::Store& store) const {
  std::size_t size = 0;
  std::string_view last;
  for (const Chunk& chunk : chunks_) {
    HERD_ASSERT(!chunk.empty() && chunk.size() <= kMaxChunk);
    for (const bus::RecordIndex record : chunk) {
      HERD_ASSERT(size == 0 || last < id_of(store, record));
      last = id_of(store, record);
      ++size;
    }
  }
  HERD_ASSERT(size == size_);
}

}  // namespace herd::node::area

#include "node/api/map_bytes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "protocol/byte_order.hpp"

namespace herd::node::api {
namespace {

constexpr std::string_view kMagic = "HERDMAP1";
constexpr std::uint8_t kResetFlag = 1;
constexpr std::size_t kMaxNodes = 255;  // a later node has the last number

template <typename Word>
void append(std::string& out, Word value) {
  std::array<char, sizeof value> bytes;
  protocol::put_little_endian(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

void append_point(std::string& out, protocol::Point point) {
  append(out, static_cast<std::uint32_t>(point.latitude));
  append(out, static_cast<std::uint32_t>(point.longitude));
}

std::uint16_t age_of(protocol::Nanoseconds age) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 0, UINT16_MAX));
}

}  // namespace

MapBytes::MapBytes(std::size_t expected) {
  bytes_.reserve(kMapHeaderBytes + expected * kMapClientBytes + 256);
  bytes_.resize(kMapHeaderBytes);
}

void MapBytes::add(const MapClient& client) {
  ++count_;
  append(bytes_, client.record);
  append_point(bytes_, client.point);
  append(bytes_, age_of(client.age));
  append(bytes_, index_of(client.node));
  append(bytes_, client.is_reset ? kResetFlag : std::uint8_t{0});
}

void MapBytes::add(const area::CellCount& cell) {
  ++count_;
  append_point(bytes_, cell.centre);
  append(bytes_, cell.clients);
}

std::uint8_t MapBytes::index_of(std::string_view node) {
  if (latest_ < nodes_.size() && nodes_[latest_] == node) return latest_;
  const auto found = std::find(nodes_.begin(), nodes_.end(), node);
  const auto index = static_cast<std::size_t>(found - nodes_.begin());
  if (found == nodes_.end() && nodes_.size() < kMaxNodes) nodes_.emplace_back(node);
  return latest_ = static_cast<std::uint8_t>(std::min(index, kMaxNodes - 1));
}

std::string MapBytes::take(const Header& header) {
  char* at = std::copy(kMagic.begin(), kMagic.end(), bytes_.data());
  at = protocol::put_little_endian(at, header.feed);
  at = protocol::put_little_endian(at, header.number);
  at = protocol::put_little_endian(at, static_cast<std::uint32_t>(header.kind));
  protocol::put_little_endian(at, count_);
  append(bytes_, static_cast<std::uint8_t>(nodes_.size()));
  for (const std::string& node : nodes_) {
    append(bytes_, static_cast<std::uint8_t>(node.size()));
    bytes_ += node;
  }
  return std::move(bytes_);
}

}  // namespace herd::node::api

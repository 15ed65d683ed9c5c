// A client's HTTP bytes in pieces. However they are cut, the requests or the refusal are the same, memory stays within
// the bounds, and each request satisfies the grammar. The first byte chooses the bounds, the second the size of the
// pieces; the rest are the client's bytes. Requests may follow one another, as in a pipeline.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/http/request_parser.hpp"
#include "node/http/target.hpp"
#include "protocol/assert.hpp"

using namespace herd::node::http;

namespace {

using State = RequestParser::State;

void check_header(const Header& header, const RequestLimits& limits) {
  HERD_ASSERT(!header.name.empty() && header.name.size() + header.value.size() < limits.header_line_bytes);
  for (const char c : header.name) HERD_ASSERT(c > ' ' && c < '\x7f' && c != ':' && !(c >= 'A' && c <= 'Z'));
  for (const char c : header.value) HERD_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  HERD_ASSERT(header.value.empty() || (!is_space(header.value.front()) && !is_space(header.value.back())));
}

std::string check_request(const Request& request, const RequestLimits& limits) {
  HERD_ASSERT(!request.method.empty() && request.method.size() <= kMaxMethodBytes);
  HERD_ASSERT(request.method.find(' ') == std::string::npos);
  HERD_ASSERT(request.path.find('\0') == std::string::npos && request.query.find('\0') == std::string::npos);
  HERD_ASSERT(request.path.size() + request.query.size() <= limits.request_line_bytes);
  HERD_ASSERT(request.path.starts_with('/') || request.path == "*" || request.method == "CONNECT");
  HERD_ASSERT(request.headers.size() <= limits.headers);
  std::size_t bytes = 0;
  std::string text = request.method + ' ' + request.path + '?' + request.query + '\n';
  for (const Header& header : request.headers) {
    check_header(header, limits);
    bytes += header.name.size() + header.value.size() + 3;
    text += header.name + ':' + header.value + '\n';
  }
  HERD_ASSERT(bytes <= limits.header_bytes);
  const auto count = [&](std::string_view name) {
    return std::count_if(request.headers.begin(), request.headers.end(),
                         [&](const Header& header) { return header.name == name; });
  };
  HERD_ASSERT(count("host") == 1 || (count("host") == 0 && request.minor_version == 0));
  HERD_ASSERT(count("content-length") <= 1 && count("transfer-encoding") == 0);
  HERD_ASSERT(is_host(request.header("host") == nullptr ? "" : *request.header("host")));
  HERD_ASSERT(request.body.size() == request.content_length.value_or(0) && request.body.size() <= limits.body_bytes);
  return text + request.body + (request.keep_alive ? "+" : "-");
}

// All requests and the refusal in the bytes, as texts, if the bytes arrive in pieces of this size.
std::vector<std::string> read(std::string_view bytes, const RequestLimits& limits, std::size_t piece) {
  std::vector<std::string> seen;
  RequestParser parser(limits);
  while (!bytes.empty()) {
    const std::size_t taken = parser.take(std::string(bytes.substr(0, piece)));
    HERD_ASSERT(taken > 0 && taken <= std::min(piece, bytes.size()));
    bytes.remove_prefix(taken);
    HERD_ASSERT(parser.has_begun());
    if (parser.state() == State::Complete) {
      seen.push_back(check_request(parser.request(), limits));
      parser = RequestParser(limits);
    } else if (parser.state() == State::Refused) {
      const Refusal& refusal = parser.refusal();
      HERD_ASSERT(refusal.status >= 400 && refusal.status <= 505 && !refusal.reason.empty());
      HERD_ASSERT(refusal.reason.find_first_of("\r\n") == std::string::npos);
      const std::size_t taken_after = parser.take(bytes);
      HERD_ASSERT(taken_after == 0);
      seen.push_back(std::to_string(refusal.status) + refusal.reason + std::to_string(bytes.size()));
      return seen;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  RequestLimits limits;
  if (data[0] > 0) {
    limits.request_line_bytes = limits.header_line_bytes = limits.body_bytes = data[0];
    limits.header_bytes = std::size_t{3} * data[0];
    limits.headers = data[0] / 8;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto in_one_piece = read(bytes, limits, bytes.size() + 1);
  HERD_ASSERT(read(bytes, limits, data[1] + std::size_t{1}) == in_one_piece);
  HERD_ASSERT(read(bytes, limits, 1) == in_one_piece);
  return 0;
}

// The types of the client library: errors, options, points, records, answers. Plain values that any thread may use;
// only a Stream belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herd {

enum class ErrorKind {
  Argument,     // an argument is malformed or out of range; nothing was sent
  Refused,      // the node refuses the command or the token; what() has its reason. Do not repeat it
  Unavailable,  // no node has answered; what() has the last failure
  Protocol,     // the address is not a node's port for clients, or a reply exceeds a bound
  Ended,        // the node has ended the watch for good; what() has its reason
  Network,      // one node failed. Only inside of the library, which then tries the next one
  Timeout,      // one node has not answered in time. Only inside of the library
};

// The only exception that the library throws, apart from std::bad_alloc.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  // Whether the failure is one of a node: another node, or the same one later, may answer.
  [[nodiscard]] bool is_transient() const noexcept {
    return kind_ == ErrorKind::Network || kind_ == ErrorKind::Timeout;
  }

 private:
  ErrorKind kind_;
};

using SteadyClock = std::chrono::steady_clock;
using Deadline = SteadyClock::time_point;

// In degrees: latitude -90 to 90, longitude -180 to 180. The library rounds both to 7 fraction digits (1.1 cm). A call
// with a point out of these ranges throws Argument.
struct Point {
  double latitude = 0;
  double longitude = 0;
};

// The newest report of a client. The texts are those of its AT line.
struct Record {
  std::string node;         // the name of the node that the client reported to
  std::string difference;   // that node's clock minus `time`, in seconds
  std::string client;       // 1 to 255 bytes, UTF-8 or any other
  std::string coordinates;  // as the client sent them
  std::string time;         // seconds since 1970, as the client sent them
  Point point;              // the numbers in `coordinates`
};

// One report. Without a time it gets the present one, which rises with each report of one Client object. Send the
// reports of a client in the order of their times: an older one than the record is acknowledged, but changes nothing.
struct Report {
  std::string client;
  Point point;
  std::optional<std::chrono::system_clock::time_point> time{};
};

struct ReportResult {
  bool is_acknowledged = false;  // the herd has this report or a newer one of that client
  std::string text;              // the reply, `AT …` or `IGNORE`; else the node's reason
};

// The middle of a circle: a client, or a point. A text in the form of coordinates, such as "+34.07-118.44", is a point.
class Centre {
 public:
  Centre(const char* client) : text_(client) {}                   // NOLINT(google-explicit-constructor)
  Centre(std::string client) : text_(std::move(client)) {}        // NOLINT(google-explicit-constructor)
  Centre(const Point& point) : is_point_(true), point_(point) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_point() const { return is_point_; }
  [[nodiscard]] const Point& point() const { return point_; }
  [[nodiscard]] const std::string& client() const { return text_; }

 private:
  std::string text_;
  bool is_point_ = false;
  Point point_;
};

// `km` is the radius in kilometres, 0 to 20016; the library rounds it to millimetres. Other values throw Argument.
struct Circle {
  Centre centre;
  double km = 0;
};

// The edges belong to the box. If the western longitude is greater than the eastern one, the box crosses the 180th
// meridian.
struct Box {
  Point south_west;
  Point north_east;
};

struct Filter {
  std::string match{};                          // a prefix of ids and `*`; empty: every client
  std::optional<std::chrono::seconds> newer{};  // only reports of at most this age, by the node's clock
};

struct Page {
  int max = 100;        // the most clients in the answer, 0 to 1000
  std::string after{};  // `next` of the previous answer; empty: begin with the first client
  Filter filter{};
};

struct SeenRecord {
  double km = 0;    // kilometres from the centre, with three decimals
  int bearing = 0;  // degrees from north, 0 to 359
  Record record;
};

struct NearAnswer {
  std::optional<Record> centre;  // the client in the centre; nullopt if the centre is a point
  std::vector<SeenRecord> clients;
  std::string next;  // for Page::after; empty: there are no more clients
};

struct WithinAnswer {
  std::vector<Record> clients;
  std::string next;  // for Page::after; empty: there are no more clients
};

// A connection to a node, used by one thread at a time. Errors of both functions: Network and Timeout.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;
  // Returns when the system has taken all bytes; throws Timeout after the deadline.
  virtual void write(std::string_view bytes, Deadline deadline) = 0;
  // Waits for bytes and returns their number, at most `size`; 0: the node has closed; nullopt: the deadline has passed.
  // Bytes that have arrived already are read even after the deadline.
  virtual std::optional<std::size_t> read(char* to, std::size_t size, Deadline deadline) = 0;
};

// Makes a connection to a host and a port; the library owns it. <herd/tls.hpp> has the function for TLS. Errors:
// Network, Timeout, Argument.
using Transport =
    std::function<std::unique_ptr<Stream>(const std::string& host, const std::string& port, Deadline deadline)>;

struct Options {
  // The ports for clients of one or more nodes, such as "127.0.0.1:12140" or "[::1]:12140"; used in this order.
  std::vector<std::string> nodes;
  std::string token{};  // sent first on each connection; empty: none
  // To connect, and for each answer. Choose more than ack_timeout of the nodes, which is 5 s by default.
  std::chrono::milliseconds timeout{6000};
  int tries = 0;          // of a question or report; 0 or less: two for each node, at least three. A watch has no limit
  Transport transport{};  // empty: TCP in plain text
};

}  // namespace herd

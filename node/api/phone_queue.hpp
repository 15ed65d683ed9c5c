// The way of the reports of phones from the HTTP thread to the loop, and of their answers back, as that of questions
// (node/api/question_queue.hpp). HTTP thread only.
#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "node/clients/reports.hpp"

namespace herd::node::api {

// Requests under way: a phone has one at a time, and the server has not many more connections. Their reports together:
// the loop takes them in about 3 ms.
inline constexpr std::size_t kMaxPhoneRequests = 1'024;
inline constexpr std::size_t kMaxPhoneReports = 4'096;

// Has the loop take a request soon: Reports::take(). Called on the HTTP thread; must not block.
using ReportCall = std::function<void(ReportRequest, Reports::Done)>;

class PhoneQueue : public std::enable_shared_from_this<PhoneQueue> {
 public:
  // Create it with std::make_shared. `http` is run by the HTTP thread.
  PhoneQueue(std::shared_ptr<asio::io_context> http, ReportCall report)
      : http_(std::move(http)), report_(std::move(report)) {}

  // Receives the answer on the HTTP thread.
  using Reader = std::function<void(const ReportAnswer&)>;
  // Returns false, and drops the request, if too many are under way.
  [[nodiscard]] bool report(ReportRequest request, Reader reader);

  [[nodiscard]] std::size_t under_way() const { return requests_; }

 private:
  std::shared_ptr<asio::io_context> http_;
  ReportCall report_;
  std::size_t requests_ = 0;
  std::size_t reports_ = 0;  // of those
};

}  // namespace herd::node::api

// Passes the reports of phones from the HTTP thread to the loop thread, and the answers back. It works like the queue
// of questions (node/api/question_queue.hpp): neither thread waits for the other. HTTP thread only.
#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "node/clients/reports.hpp"

namespace herd::node::api {

// The most requests under way. A phone has one at a time, and the server has at most 1,200 connections.
inline constexpr std::size_t kMaxPhoneRequests = 1'024;
// The most reports in all requests under way. The loop executes that number in about 3 ms.
inline constexpr std::size_t kMaxPhoneReports = 4'096;

// Makes the loop thread call Reports::take() with these arguments soon. Called on the HTTP thread; must not block.
using ReportCall = std::function<void(ReportRequest, Reports::Done)>;

class PhoneQueue : public std::enable_shared_from_this<PhoneQueue> {
 public:
  // Create it with std::make_shared: answers that arrive after its end are still given to their readers. `http` is the
  // io_context that the HTTP thread runs.
  PhoneQueue(std::shared_ptr<asio::io_context> http, ReportCall report)
      : http_(std::move(http)), report_(std::move(report)) {}

  // Takes the answer. Called once, on the HTTP thread, while that runs.
  using Reader = std::function<void(const ReportAnswer&)>;
  // Passes the request to the loop. Returns false, and calls no reader, if one of the two bounds would be exceeded.
  [[nodiscard]] bool report(ReportRequest request, Reader reader);

  // Requests of which the answer has not come yet.
  [[nodiscard]] std::size_t under_way() const { return requests_; }

 private:
  std::shared_ptr<asio::io_context> http_;
  ReportCall report_;
  std::size_t requests_ = 0;  // under way
  std::size_t reports_ = 0;   // in these requests
};

}  // namespace herd::node::api

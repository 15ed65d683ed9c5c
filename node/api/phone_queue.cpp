#include "node/api/phone_queue.hpp"

#include <asio/post.hpp>
#include <utility>

namespace herd::node::api {

// As QuestionQueue::ask().
bool PhoneQueue::report(ReportRequest request, Reader reader) {
  const std::size_t reports = request.lines.size();
  if (requests_ >= kMaxPhoneRequests || reports_ + reports > kMaxPhoneReports) return false;
  ++requests_;
  reports_ += reports;
  report_(std::move(request),
          [http = http_, queue = weak_from_this(), reports, reader = std::move(reader)](ReportAnswer answer) {
            asio::post(*http, [queue, reports, reader, answer = std::move(answer)] {
              if (const auto self = queue.lock()) {
                --self->requests_;
                self->reports_ -= reports;
              }
              reader(answer);
            });
          });
  return true;
}

}  // namespace herd::node::api

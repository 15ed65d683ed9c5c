// Reports locations to a herd and asks where clients are. This header includes the whole library, except TLS
// (herd/tls.hpp).
//
//   herd::Client client({{"127.0.0.1:12140", "127.0.0.1:12141"}});
//   client.report({"kiwi", {34.06893, -118.445127}});           // returns when it is acknowledged
//   for (const auto& seen : client.near({"kiwi", 5}).clients) std::cout << seen.record.client << '\n';
//
// C++17. A Client belongs to one thread at a time, and so does a Watch. Each has a connection of its own. Every call
// ends in a bounded time: it makes at most Options::tries tries, with pauses of at most 10 s between them. A try waits
// up to Options::timeout for each of its steps: to connect, for the answers to the token and to INFO, and for the
// answer to the command. Only getaddrinfo, which resolves host names, may take longer.
#pragma once

#include <thread>
#include <type_traits>

#include "herd/detail/connection.hpp"
#include "herd/types.hpp"
#include "herd/watch.hpp"

namespace herd {

class Client {
 public:
  // Takes a copy of the options. Connects at the first command. Errors: Argument, for options that are malformed.
  explicit Client(Options options) : nodes_(std::move(options)) {}

  // Sends a report, at other nodes too, until the herd has acknowledged it as docs/RELIABILITY.md promises. Returns the
  // reply, `AT …` or `IGNORE`. A repeat is harmless. Errors: Argument; Refused: the node drops or refuses the report,
  // for example because its time is too far ahead; Unavailable: the report may have been stored, and may be repeated
  // with the same time; Protocol.
  std::string report(const Report& report) {
    auto results = this->report(std::vector<Report>{report});
    if (results.front().is_acknowledged) return std::move(results.front().text);
    throw Error(ErrorKind::Refused, "the report of " + report.client + " is refused: " + results.front().text);
  }

  // The same for many reports; at most kWindow (64) of them are under way at a time. Returns a result for each, in
  // their order; a report that a node drops is a result, not an error. After an error some of the reports may have been
  // stored. Errors: Argument; Refused, if the node refuses the token; Unavailable; Protocol.
  std::vector<ReportResult> report(const std::vector<Report>& reports) {
    std::vector<std::string> lines;
    for (const Report& each : reports) {
      lines.push_back("IAMAT " + detail::client_text(each.client) + " " + detail::point_text(each.point) + " " +
                      detail::time_text(each.time ? each.time->time_since_epoch() : now()) + "\nWHY\n");
    }
    std::vector<ReportResult> results;
    while (results.size() < lines.size()) {
      const std::size_t begin = results.size();
      const std::size_t count = std::min(kWindow, lines.size() - begin);
      std::string text;
      for (std::size_t i = begin; i < begin + count; ++i) text += lines[i];
      const auto more = ask([&](detail::Connection& node) {
        node.send(text);
        const Deadline deadline = node.deadline();
        std::vector<ReportResult> window;
        while (window.size() < count) window.push_back(read_result(node, deadline));
        return window;
      });
      results.insert(results.end(), more.begin(), more.end());
    }
    return results;
  }

  // Returns the record of the client; nullopt if the herd does not know it. Errors: Argument, Refused, Unavailable,
  // Protocol.
  std::optional<Record> whereis(const std::string& client) {
    const std::string line = "WHEREIS " + detail::client_text(client) + "\n";
    return ask([&](detail::Connection& node) -> std::optional<Record> {
      node.require("WHEREIS");
      node.send(line);
      const std::string reply = node.reply();
      if (detail::starts_with(reply, "? ")) return std::nullopt;
      return detail::record_of(detail::split(reply), 0);
    });
  }

  // Returns the clients in a circle, nearest first, at most page.max. A client in the centre is not among them. Errors:
  // Argument; Refused, also if the client in the centre is unknown; Unavailable; Protocol.
  NearAnswer near(const Circle& circle, const Page& page = {}) {
    return ask([line = detail::circle_text(circle) + page_text(page)](detail::Connection& node) {
      NearAnswer answer;
      answer.next = read_list(node, line, [&answer](const std::vector<std::string_view>& words) {
        if (words.front() == "AT") {
          answer.centre = detail::record_of(words, 0);
        } else if (words.front() == "IS" && words.size() > 3) {
          answer.clients.push_back(
              {detail::number_of<double>(words[1]), detail::number_of<int>(words[2]), detail::record_of(words, 3)});
        } else {
          throw Error(ErrorKind::Protocol, "an answer to NEAR has another line than IS and AT");
        }
      });
      return answer;
    });
  }

  // Returns the clients in a box, at most page.max, in an order in which `after` continues. Errors: Argument, Refused,
  // Unavailable, Protocol.
  WithinAnswer within(const Box& box, const Page& page = {}) {
    return ask([line = detail::box_text(box) + page_text(page)](detail::Connection& node) {
      WithinAnswer answer;
      answer.next = read_list(node, line, [&answer](const std::vector<std::string_view>& words) {
        answer.clients.push_back(detail::record_of(words, 0));
      });
      return answer;
    });
  }

  // Returns the number of clients in a circle or a box. A client in the centre does not count. Errors: as near() and
  // within().
  std::uint64_t count_near(const Circle& circle, const Filter& filter = {}) {
    return count("COUNT " + detail::circle_text(circle) + detail::filter_text(filter) + "\n");
  }
  std::uint64_t count_within(const Box& box, const Filter& filter = {}) {
    return count("COUNT " + detail::box_text(box) + detail::filter_text(filter) + "\n");
  }

  // The address of the node that gets the next command. The reference is valid until the next call.
  [[nodiscard]] const std::string& node() const { return nodes_.current(); }

  // Closes the connection, if there is one. The next command connects again.
  void close() { connection_.reset(); }

 private:
  // Commands and their replies take less than the buffers of a connection (64 KiB), so that neither side waits for the
  // other to read.
  static constexpr std::size_t kWindow = 64;
  static constexpr std::size_t kMaxLines = 1001;  // of an answer: 1000 clients, and the centre

  // Calls `command` with a connection until it succeeds. Errors that are not transient end it.
  template <typename Command>
  std::invoke_result_t<Command, detail::Connection&> ask(const Command& command) {
    for (int failures = 1;; ++failures) {
      const bool was_used = connection_ != nullptr;
      try {
        auto connection = was_used ? std::move(connection_) : nodes_.connect();
        try {
          auto answer = command(*connection);
          connection_ = std::move(connection);
          return answer;
        } catch (const Error& error) {
          if (error.kind() == ErrorKind::Refused) connection_ = std::move(connection);  // its answer was read
          throw;
        }
      } catch (const Error& error) {
        if (!error.is_transient()) throw;
        if (failures >= nodes_.options().tries) {
          throw Error(ErrorKind::Unavailable,
                      "no node answers; the last failure, of " + nodes_.current() + ": " + error.what());
        }
        // A node closes idle connections, so a used connection may fail once without a fault of its node.
        if (!was_used || error.kind() == ErrorKind::Timeout) nodes_.leave();
      }
      std::this_thread::sleep_for(nodes_.pause(failures));
    }
  }

  // A node may drop an IAMAT without a reply, so a WHY follows each one: its answer is the end, and has the reason.
  static ReportResult read_result(detail::Connection& node, Deadline deadline) {
    std::string text;
    std::string line = node.reply(deadline);
    if (!detail::starts_with(line, "WHY ") && line != "? WHY") {
      text = std::move(line);
      line = node.reply(deadline);
    }
    const bool is_why = detail::starts_with(line, "WHY ");
    if (!is_why && line != "? WHY") throw Error(ErrorKind::Protocol, "a report has two replies");
    if (text == "IGNORE" || detail::starts_with(text, "AT ")) return {true, std::move(text)};
    return {false, is_why ? line.substr(4) : "the node gives no reason"};
  }

  // Sends a query and calls `take` with the words of each line of its answer. Returns the cursor, or an empty text.
  template <typename Take>
  static std::string read_list(detail::Connection& node, const std::string& query, const Take& take) {
    node.require(detail::split(query).front());
    node.send(query);
    const Deadline deadline = node.deadline();
    for (std::size_t lines = 0;; ++lines) {
      const std::string line = node.reply(deadline);
      const auto words = detail::split(line);
      if (words.front() == "?") throw Error(ErrorKind::Refused, node.why());
      if (words.front() == "END") return words.size() > 2 ? std::string(words[2]) : "";
      if (lines >= kMaxLines) throw Error(ErrorKind::Protocol, "an answer has more than 1001 lines");
      take(words);
    }
  }

  std::uint64_t count(const std::string& line) {
    return ask([&line](detail::Connection& node) {
      node.require("COUNT");
      node.send(line);
      const std::string reply = node.reply();
      if (detail::starts_with(reply, "? ")) throw Error(ErrorKind::Refused, node.why());
      if (detail::starts_with(reply, "COUNT ")) return detail::number_of<std::uint64_t>(reply.substr(6));
      throw Error(ErrorKind::Protocol, "COUNT has another answer: " + reply.substr(0, 100));
    });
  }

  static std::string page_text(const Page& page) {
    if (page.max < 0 || page.max > 1000) throw Error(ErrorKind::Argument, "max is 0 to 1000");
    const std::string after = page.after.empty() ? "" : " after=" + detail::client_text(page.after);
    return " " + std::to_string(page.max) + detail::filter_text(page.filter) + after + "\n";
  }

  // The present time. It rises with each report, because a report of the same time is not stored.
  std::chrono::nanoseconds now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto step = last_time_ - now;  // above 0 after the clock was set back
    const bool is_near = step >= std::chrono::nanoseconds{0} && step < std::chrono::seconds{1};
    return last_time_ = is_near ? last_time_ + std::chrono::nanoseconds{1} : std::chrono::nanoseconds(now);
  }

  detail::Nodes nodes_;
  std::unique_ptr<detail::Connection> connection_;
  std::chrono::nanoseconds last_time_{0};
};

}  // namespace herd

// Checks answers to NEAR, WITHIN, COUNT and WHEREIS against all records, one by one. For tests only.
//
//   QueryModel model(records, now);
//   model.check("NEAR +1+2 10 20", "IS 0.000 000 AT Hill +0.000000001 car +1+2 5\nEND 1\n");  // throws Fault if wrong
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/model/texts.hpp"

namespace herd::model {

class QueryModel {
 public:
  // The records of a node, and the node's clock. If the store changes while a query runs: of each client that changes,
  // all records that it has in that time, the first one first. Any of them, or none, is then right in an answer, and
  // the centre is the first.
  QueryModel(const std::vector<Record>& records, Nanoseconds now);

  // Throws Fault unless `answer`, with its line ends, is a right answer to `command`. `listed`: the lines about clients
  // of the earlier pages, if the command continues them with after=; without the line of the centre.
  void check(std::string_view command, std::string_view answer, const std::vector<std::string>& listed = {}) const;

 private:
  struct Client {
    const Record* record;
    Point point;
    bool changes = false;  // it has several records
  };
  // A client that an answer may contain, with its distance from the centre; {0, 0} for boxes.
  struct Candidate {
    const Record* record;
    Point point;
    Range distance;
    bool changes = false;
  };
  struct Question;
  struct Listed;

  [[nodiscard]] const Client* find(std::string_view client) const;
  [[nodiscard]] bool passes(const Client& client, const Command& command, std::string_view centre) const;
  // Fills `centre`. False if it is a client without a position.
  bool find_centre(Question& question) const;
  [[nodiscard]] std::vector<Candidate> candidates(const Question& question) const;
  void check_count(const Question& question, std::string_view answer) const;
  void check_lines(const Question& question, const std::vector<std::string>& answer,
                   const std::vector<std::string>& listed) const;
  [[nodiscard]] Listed take_line(const Question& question, const std::string& line, std::vector<Candidate>& left) const;

  std::vector<Client> clients_;  // the records with a position
  bool is_still_ = true;         // no client changes
  Nanoseconds now_;
};

}  // namespace herd::model

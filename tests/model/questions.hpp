// Random questions to one node of a history, and their answers by the production code, compared with the model. For
// tests only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/model/model_node.hpp"
#include "tests/model/terrain.hpp"

namespace herd::model {

// The part of the records that a connection may see: clients with this prefix.
[[nodiscard]] bool sees(std::string_view prefix, std::string_view client);
[[nodiscard]] Records visible(const Records& records, std::string_view prefix);

class Questions {
 public:
  struct Parts {
    sim::Random& random;
    Terrain& terrain;
    const std::vector<std::string>& clients;  // ids to ask about; some are unknown
  };
  explicit Questions(const Parts& parts) : parts_(parts) {}

  // A NEAR, WITHIN or COUNT, without after=.
  [[nodiscard]] std::string command();
  // `match=<prefix>*` with a space before it, or nothing.
  [[nodiscard]] std::string match();
  // A client or coordinates.
  [[nodiscard]] std::string centre();

  // Asks for all pages of one random question, and checks them. `twin`: a node with an equal store, which must give the
  // same bytes and continues the pages; may be the node itself. Returns the first command. Throws Fault.
  std::string ask_still(ModelNode& node, ModelNode& twin, Nanoseconds now);

  // Asks one random question while `change` changes the store. It returns the client that changed, or an empty text.
  std::string ask_moving(ModelNode& node, Nanoseconds now, const std::function<std::string()>& change);

 private:
  // Executes a question; `pause` is called between its slices. Returns `? ` and the command if it is refused.
  [[nodiscard]] std::string answer(ModelNode& node, const std::string& command, const std::string& prefix,
                                   Nanoseconds now, const std::function<void()>& pause);
  void refuse_bad_cursors(ModelNode& node, const std::string& command, const std::string& cursor, Nanoseconds now);

  Parts parts_;
};

}  // namespace herd::model

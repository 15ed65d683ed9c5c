// The answers of queries and the events of watches as JSON. They are made of the lines that clients of the line
// protocol get (docs/PROTOCOL.md), on the HTTP thread: the loop makes each answer in one form only. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace herd::node::api {

enum class Format { Json, GeoJson };

// The content type of a format.
[[nodiscard]] std::string_view content_type_of(Format format);

// One line about a client: `[<km> <bearing>] AT <node> <difference> <client> <coordinates> <time>`, without LF. The
// views are into the line.
struct ClientLine {
  std::string_view km;  // empty: the line has neither km nor bearing
  std::string_view bearing;
  std::string_view node;
  std::string_view difference;
  std::string_view client;
  std::string_view coordinates;
  std::string_view time;
};
// nullopt: the text has another form.
[[nodiscard]] std::optional<ClientLine> read_client_line(std::string_view text);

// The fields of the client, without braces. A client's id may be any bytes, and JSON is UTF-8: bytes that are not
// become U+FFFD, and then a field `client_url` has the id percent-encoded, as /v1/where/ takes it.
void append_client_fields(std::string& out, const ClientLine& line);
// An id alone: the same two fields.
void append_id_fields(std::string& out, std::string_view client);

// The answer to WHEREIS: one client, or a feature.
[[nodiscard]] std::string where_json(std::string_view answer, Format format);
// The answer to NEAR or WITHIN: `clients`, or the features of a collection; `next`, the cursor or null; and of NEAR
// `centre`, the client in the centre, or null. The answer is one of this node.
enum class Centre { None, Possible };
[[nodiscard]] std::string list_json(std::string_view answer, Centre centre, Format format);
// The answer to COUNT.
[[nodiscard]] std::string count_json(std::string_view answer);

}  // namespace herd::node::api

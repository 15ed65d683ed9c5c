// The list of the commands: which of them work on a connection, and their help. HELP and INFO print it. Pure; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/clients/access.hpp"

namespace herd::node {

struct CommandHelp {
  std::string_view name;
  std::string_view text;  // the grammar after the name, a colon, and one sentence
  // Whether the command works on a connection with this access.
  bool (*works)(const Access& access);
};

// In the order of INFO and HELP.
inline constexpr std::array<CommandHelp, 14> kCommandList{{
    {"IAMAT",
     " <client> <coordinates> <time>: reports where a client is; the answer is an AT line, or IGNORE for a "
     "repeated report.",
     [](const Access& access) { return !access.is_locked() && access.may_tell_any(); }},
    {"WHATSAT", " <client> <km, 0 to 50> <max, 0 to 20>: gives the AT line of a client, and places near it as JSON.",
     [](const Access& access) { return !access.is_locked() && access.may_query(); }},
    {"WHEREIS", " <client>: gives the AT line of a client.",
     [](const Access& access) { return !access.is_locked() && access.may_query(); }},
    {"NEAR",
     " <client or coordinates> <km> <max, 0 to 1000> [match=PREFIX*] [newer=SECONDS] [after=CURSOR]: gives the clients "
     "inside a circle, nearest first.",
     [](const Access& access) { return !access.is_locked() && access.may_query(); }},
    {"WITHIN",
     " <south-west> <north-east> <max, 0 to 1000> [match=PREFIX*] [newer=SECONDS] [after=CURSOR]: gives the clients "
     "inside a box.",
     [](const Access& access) { return !access.is_locked() && access.may_query(); }},
    {"COUNT",
     " NEAR <client or coordinates> <km> or WITHIN <south-west> <north-east> [match=PREFIX*] [newer=SECONDS]: counts "
     "them.",
     [](const Access& access) { return !access.is_locked() && access.may_query(); }},
    {"WATCH",
     " <tag> CLIENT <id or prefix*>, NEAR <client or coordinates> <km>, WITHIN <south-west> <north-east> or ALL "
     "[match=PREFIX*] [slack=KM] [dwell=SECONDS] [every=SECONDS] [beat=SECONDS] [from=FEED:NUMBER]: pushes a line for "
     "each change.",
     [](const Access& access) { return !access.is_locked(); }},
    {"UNWATCH", " <tag>: ends a watch.", [](const Access& access) { return !access.is_locked(); }},
    {"AUTH", " <token>: says which client connects; it comes before all commands but PING, INFO, HELP, WHY and QUIT.",
     [](const Access& access) { return access.is_locked(); }},
    {"PING", " [word]: answers PONG and the word.", [](const Access&) { return true; }},
    {"INFO", ": describes the node and this connection.", [](const Access&) { return true; }},
    {"HELP", " [command]: lists the commands that work on this connection, or explains one of them.",
     [](const Access&) { return true; }},
    {"WHY", ": gives the reason why the last line was refused or dropped.", [](const Access&) { return true; }},
    {"QUIT", ": ends the connection after the answers that are due; lines after it are not read.",
     [](const Access&) { return true; }},
}};

// The names of the commands that work, separated by commas.
[[nodiscard]] std::string commands_of(const Access& access);

// Appends one line for each command that works, or only for the one with this name if it is not empty, and then
// `END <count>`. Returns false, and appends nothing, if no command of that name works.
[[nodiscard]] bool append_help(std::string& out, std::string_view name, const Access& access);

}  // namespace herd::node

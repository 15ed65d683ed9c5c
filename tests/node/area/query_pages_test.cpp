// Pages: the cursors in the END lines of NEAR and WITHIN, and what follows them.
#include <string>

#include "node/area/query.hpp"
#include "tests/catch.hpp"
#include "tests/node/area/asking.hpp"

using namespace herd::node::area;

TEST_CASE("the END line has a cursor if and only if more would follow") {
  Asking asking;
  for (const std::string client : {"a", "b"}) asking.put(client, "+1+1");
  for (const std::string query : {"NEAR +1+1 1", "WITHIN +1+1 +1+1"}) {
    INFO(query);
    CHECK(cursor_in(asking.answer(query + " 2")).empty());
    CHECK(cursor_in(asking.answer(query + " 1000")).empty());
    CHECK_FALSE(cursor_in(asking.answer(query + " 1")).empty());
    CHECK_FALSE(cursor_in(asking.answer(query + " 0")).empty());
    CHECK(cursor_in(asking.answer(query + " 0 match=x*")).empty());
    CHECK(asking.answer(query + " 0 match=x*") == "END 0\n");
  }
}

TEST_CASE("with max 0 the cursor is at the first line, or where the query continues") {
  Asking asking;
  for (const std::string client : {"a", "b", "c"}) asking.put(client, "+1+1");
  for (const std::string query : {"NEAR +1+1 1", "WITHIN +1+1 +1+1"}) {
    INFO(query);
    const std::string all = asking.answer(query + " 9");
    const std::string start = cursor_in(asking.answer(query + " 0"));
    CHECK(asking.answer(query + " 9 after=" + start) == all);
    const std::string second = cursor_in(asking.answer(query + " 1"));
    CHECK(cursor_in(asking.answer(query + " 0 after=" + second)) == second);
    CHECK(lines_of(asking.answer(query + " 9 after=" + second)).size() == 3);
  }
}

TEST_CASE("the pages of an answer are the whole answer, without repeats or holes") {
  Asking asking;
  fill_town(asking, 700);
  struct Case {
    std::string query;
    std::string options;
    std::size_t first;  // lines of each page before the members
  };
  asking.put("kiwi", "+48.105+11.105");
  asking.set_wall(80s);
  for (const auto& [query, options, first] :
       {Case{"NEAR +48.1+11.1 1", "", 0}, Case{"NEAR kiwi 3", " match=bus-*", 1}, Case{"NEAR kiwi 20016", "", 1},
        Case{"WITHIN +48.1+11.1 +48.109+11.11", "", 0}, Case{"WITHIN -90-180 +90+180", " match=car-* newer=40", 0}}) {
    CAPTURE(query, options);
    const std::string all = asking.answer(query + " 1000" + options);
    CHECK(cursor_in(all).empty());
    const std::string expected = all.substr(0, all.rfind("END"));
    CHECK(lines_of(expected).size() > 20);
    for (const int max : {1, 2, 7, 100, 999}) {
      CAPTURE(max);
      CHECK(pages(asking, query, options, first, max) == expected);
    }
  }
}

TEST_CASE("a cursor of a query with other operands or options is refused, one with another max is not") {
  Asking asking;
  for (const std::string client : {"a", "b", "c"}) asking.put(client, "+1+1");
  const std::string of_near = " after=" + cursor_in(asking.answer("NEAR +1+1 1 1 match=*"));
  const std::string of_within = " after=" + cursor_in(asking.answer("WITHIN +1+1 +1+1 1"));
  CHECK(lines_of(asking.answer("NEAR +1+1 1 2 match=*" + of_near)).size() == 3);
  CHECK(lines_of(asking.answer("WITHIN +1+1 +1+1 5" + of_within)).size() == 3);
  const std::string other = "? the cursor after `after=` belongs to a query with other operands or options";
  CHECK(asking.answer("NEAR +1+1 2 1 match=*" + of_near) == other);
  CHECK(asking.answer("NEAR +1+1.1 1 1 match=*" + of_near) == other);
  CHECK(asking.answer("NEAR a 1 1 match=*" + of_near) == other);
  CHECK(asking.answer("NEAR +1+1 1 1 match=a*" + of_near) == other);
  CHECK(asking.answer("NEAR +1+1 1 1 newer=5" + of_near) == other);
  CHECK(asking.answer("NEAR +1+1 1 1" + of_within) == other);
  CHECK(asking.answer("WITHIN +1+1 +1+1 1" + of_near) == other);
  CHECK(asking.answer("WITHIN +1+1 +1+1.1 1" + of_within) == other);
  const std::string made_up = "? the cursor after `after=` is not one that a node gave: copy it from an END line";
  CHECK(asking.answer("NEAR +1+1 1 1 after=abc") == made_up);
  CHECK(asking.answer("WITHIN +1+1 +1+1 1 after=abc") == made_up);
}

TEST_CASE("a cursor works at another node with the same store") {
  Asking one;
  Asking other;
  for (Asking* asking : {&one, &other}) fill_town(*asking, 200);
  for (const std::string query : {"NEAR +48.1+11.1 1", "WITHIN +48.1+11.1 +48.109+11.11"}) {
    INFO(query);
    const std::string page = one.answer(query + " 10");
    CHECK(other.answer(query + " 10") == page);
    const std::string next = query + " 10 after=" + cursor_in(page);
    CHECK(other.answer(next) == one.answer(next));
  }
}

TEST_CASE("the cursor in the example of docs/PROTOCOL.md is the one that a node gives") {
  Asking asking;
  asking.put("kiwi", "+34.0-118.0", "1700000000");
  asking.put("emu", "+34.01-118.0", "1700000001");
  asking.put("rhea", "+33.98-118.0", "1700000005");
  const std::string kiwi = at_line("kiwi", "+34.0-118.0", "1700000000");
  CHECK(asking.answer("NEAR kiwi 5 1") == kiwi + "IS 1.112 000 " + at_line("emu", "+34.01-118.0", "1700000001") +
                                              "END 2 0k49b0d8Mqfckein3qCLN4_3EAAAAAAAZW11\n");
  CHECK(asking.answer("NEAR kiwi 5 1 after=0k49b0d8Mqfckein3qCLN4_3EAAAAAAAZW11") ==
        kiwi + "IS 2.224 180 " + at_line("rhea", "+33.98-118.0", "1700000005") + "END 2\n");
  CHECK(asking.answer("COUNT NEAR kiwi 5 match=r*") == "COUNT 1\n");
}

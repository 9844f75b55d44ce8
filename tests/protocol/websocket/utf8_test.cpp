// UTF-8 in pieces: invalid text is detected at the first invalid byte, wherever the pieces end.
#include "protocol/websocket/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace evio::websocket { namespace {

using namespace std::string_view_literals;

// The number of bytes that are accepted one by one.
std::size_t accepted(std::string_view text) {
  Utf8 utf8;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!utf8.add(text.substr(i, 1))) return i;
  return text.size();
}

// RFC 3629, section 4, as a table of ranges: how many bytes may begin a character, and whether the
// text may end there.
std::pair<std::size_t, bool> model(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto first = static_cast<unsigned char>(text[i]);
    std::size_t follow = 0;
    unsigned char low = 0x80, high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) follow = 1;
    if (first >= 0xe0 && first <= 0xef) follow = 2;
    if (first >= 0xf0 && first <= 0xf4) follow = 3;
    if (first >= 0x80 && follow == 0) return {i, false};
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (std::size_t k = 1; k <= follow; ++k, low = 0x80, high = 0xbf) {
      if (i + k == text.size()) return {text.size(), false};
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if (byte < low || byte > high) return {i + k, false};
    }
    i += 1 + follow;
  }
  return {text.size(), true};
}

TEST(WebSocketUtf8, AcceptsEveryPrefixOfACharacter) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string two{static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(accepted(two), model(two).first) << a << ' ' << b;
      for (const char* rest : {"\x80\x80", "\xbf\xbf", "a"}) {
        const std::string more = two + rest;
        ASSERT_EQ(accepted(more), model(more).first) << a << ' ' << b << ' ' << rest;
        ASSERT_EQ(Utf8::is_valid(more), model(more) == std::pair(more.size(), true));
      }
    }
}

TEST(WebSocketUtf8, RejectsAnIncompleteCharacterAtTheEnd) {
  for (const auto text : {"\xc3"sv, "\xe2\x82"sv, "\xf0\x9f\x98"sv}) {
    Utf8 utf8;
    EXPECT_TRUE(utf8.add(text));
    EXPECT_FALSE(utf8.end());
    EXPECT_TRUE(utf8.add("begun anew"));
    EXPECT_TRUE(utf8.end());
  }
}

RC_GTEST_PROP(WebSocketUtf8, DoesNotDependOnTheSplit, ()) {
  const auto parts =
      *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
          "a", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
          "\xf4\x8f\xbf\xbf", "\x80", "\xc0", "\xed\xa0\x80", "\xf4\x90", "\xff", "\xe0\x9f",
          std::string(300, 'x')}));
  std::string text;
  for (const std::string& part : parts) text += part;
  const auto cuts =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 9));
  Utf8 utf8;
  bool good = true;
  std::string_view rest = text;
  for (std::size_t i = 0; good && !rest.empty(); ++i) {
    const std::size_t cut = cuts.empty() ? rest.size() : cuts[i % cuts.size()];
    good = utf8.add(rest.substr(0, cut));
    rest.remove_prefix(std::min(cut, rest.size()));
  }
  const auto [beginning, may_end] = model(text);
  RC_ASSERT(good == (beginning == text.size()));
  if (good) RC_ASSERT(utf8.end() == may_end);
}

}  // namespace
}  // namespace evio::websocket

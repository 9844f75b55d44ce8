#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <evio/input.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {

using evio::Input;

TEST(Input, IsMadeFromAnyText) {
  EXPECT_EQ(Input("GET /").view(), "GET /");
  const std::string text = "text";
  EXPECT_EQ(Input(text).view().data(), text.data());
  EXPECT_TRUE(Input("").empty());
  EXPECT_TRUE(Input(std::string_view()).empty());
  static_assert(!std::is_copy_constructible_v<Input>);
}

TEST(Input, ViewTakesNothing) {
  Input in("abc");
  EXPECT_EQ(in.view(), "abc");
  EXPECT_EQ(in.view(), "abc");
  EXPECT_EQ(in.size(), 3u);
  EXPECT_FALSE(in.empty());
}

TEST(Input, TakesEverything) {
  Input in("abc");
  EXPECT_EQ(in.take(), "abc");
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(in.take(), "");
}

TEST(Input, TakesAtMostWhatIsThere) {
  Input in("abcdef");
  EXPECT_EQ(in.take(2), "ab");
  EXPECT_EQ(in.take(0), "");
  EXPECT_EQ(in.view(), "cdef");
  EXPECT_EQ(in.take(100), "cdef");
  EXPECT_EQ(in.take(100), "");
}

TEST(Input, ConsumesAtMostWhatIsThere) {
  Input in("abcdef");
  in.consume(2);
  in.consume(0);
  EXPECT_EQ(in.view(), "cdef");
  in.consume(std::string_view::npos);
  EXPECT_EQ(in.size(), 0u);
  in.consume(1);
  EXPECT_TRUE(in.empty());
}

TEST(Input, WhatWasTakenStaysWhereItWas) {
  const std::string text = "request one;request two;";
  Input in(text);
  const std::string_view first = in.take(12);
  const std::string_view second = in.take();
  EXPECT_EQ(first.data(), text.data());
  EXPECT_EQ(second.data(), text.data() + 12);
}

RC_GTEST_PROP(InputProperty, TakenAndLeftAreTheWhole,
              (const std::string& text, const std::vector<std::pair<bool, std::uint8_t>>& steps)) {
  Input in(text);
  std::string model = text;
  for (const auto& [take, n] : steps) {
    const std::string head = model.substr(0, n);
    if (take)
      RC_ASSERT(in.take(n) == head);
    else
      in.consume(n);
    model.erase(0, head.size());
    RC_ASSERT(in.view() == model);
    RC_ASSERT(in.size() == model.size());
    RC_ASSERT(in.empty() == model.empty());
  }
}

}  // namespace

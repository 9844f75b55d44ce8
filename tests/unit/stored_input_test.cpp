#include "stored_input.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using evio::detail::StoredInput;

// Counts the bytes that were moved within the buffer: those at a different address.
class Watched {
 public:
  void append(std::string_view bytes) {
    const std::string_view before = input.view();
    const char* const expected = before.data();
    input.append(bytes);
    if (!before.empty() && input.view().data() != expected) copied += before.size();
    appended += bytes.size();
  }
  void consume(std::size_t n) {
    const char* const expected = input.view().data() + n;
    input.consume(n);
    if (!input.empty() && input.view().data() != expected) copied += input.size();
  }

  StoredInput input;
  std::size_t copied = 0;
  std::size_t appended = 0;
};

TEST(StoredInput, IsEmptyAtFirst) {
  StoredInput input;
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.view(), "");
  EXPECT_EQ(input.capacity(), 0u);
  input.append("");
  input.consume(0);
  EXPECT_EQ(input.capacity(), 0u);
}

TEST(StoredInput, KeepsBytesInOrder) {
  StoredInput input;
  input.append("hello ");
  input.append(std::string_view("wo\0rld", 6));
  EXPECT_EQ(input.view(), std::string_view("hello wo\0rld", 12));
  input.consume(6);
  EXPECT_EQ(input.view(), std::string_view("wo\0rld", 6));
  EXPECT_EQ(input.size(), 6u);
}

TEST(StoredInput, HasNoMemoryWhileEmpty) {
  StoredInput input;
  input.append(std::string(100'000, 'x'));
  input.consume(100'000);
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.capacity(), 0u);
}

TEST(StoredInput, ReleasesExcessMemory) {
  StoredInput input;
  input.append(std::string(1 << 20, 'x') + "rest");
  input.consume(1 << 20);
  EXPECT_EQ(input.view(), "rest");
  EXPECT_LE(input.capacity(), 4096u);
}

TEST(StoredInput, AllocatesExactlyItsFirstBytes) {
  StoredInput input;
  input.append(std::string(5000, 'x'));
  EXPECT_EQ(input.capacity(), 5000u);
}

TEST(StoredInput, ConsumingByteByByteIsLinear) {
  Watched watched;
  watched.append(std::string(1 << 20, 'x'));
  while (!watched.input.empty()) watched.consume(1);
  EXPECT_LE(watched.copied, watched.appended);
}

TEST(StoredInput, AppendingByteByByteIsLinear) {
  Watched watched;
  for (int i = 0; i < 1 << 20; ++i) watched.append("x");
  EXPECT_LE(watched.copied, 2 * watched.appended);
}

TEST(StoredInput, ASlidingWindowIsLinearAndBounded) {
  constexpr std::size_t window = 100'000;
  Watched watched;
  watched.append(std::string(window, 'x'));
  std::size_t largest = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    watched.append("yz");
    watched.consume(2);
    largest = std::max(largest, watched.input.capacity());
  }
  EXPECT_LE(watched.copied, 2 * watched.appended);
  EXPECT_LE(largest, 4 * window);
}

RC_GTEST_PROP(StoredInputProperty, BehavesLikeAString, ()) {
  using Command = std::pair<bool, std::uint32_t>;  // append that many bytes, or consume them
  const auto commands = *rc::gen::scale(
      3.0, rc::gen::container<std::vector<Command>>(rc::gen::pair(
               rc::gen::arbitrary<bool>(),
               rc::gen::oneOf(rc::gen::inRange(0u, 100u), rc::gen::inRange(0u, 100'000u)))));
  Watched watched;
  std::string model;
  for (const auto& [append, n] : commands) {
    if (append) {
      const std::string bytes(n, static_cast<char>('a' + n % 26));
      watched.append(bytes);
      model += bytes;
    } else {
      const std::size_t count = std::min<std::size_t>(n, model.size());
      watched.consume(count);
      model.erase(0, count);
    }
    RC_ASSERT(watched.input.view() == model);
    RC_ASSERT(watched.input.size() == model.size());
    RC_ASSERT(watched.input.empty() == model.empty());
    RC_ASSERT(watched.input.capacity() >= model.size());
    RC_ASSERT(watched.input.capacity() <= std::max<std::size_t>(4096, 5 * model.size()));
    RC_ASSERT(!model.empty() || watched.input.capacity() == 0);
    RC_ASSERT(watched.copied <= 4 * watched.appended);
  }
}

}  // namespace

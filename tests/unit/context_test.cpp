#include <gtest/gtest.h>

#include <evio/context.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using evio::Context;

TEST(Context, HoldsNothingAtFirst) {
  Context context;
  EXPECT_EQ(context.get<int>(), nullptr);
  context.reset();
}

TEST(Context, HoldsAValue) {
  Context context;
  std::string& made = context.emplace<std::string>("hello");
  EXPECT_EQ(context.get<std::string>(), &made);
  EXPECT_EQ(*context.get<std::string>(), "hello");
  made += " world";
  EXPECT_EQ(*context.get<std::string>(), "hello world");
}

TEST(Context, IsNullForAnotherType) {
  struct Base {};
  struct Derived : Base {};
  Context context;
  context.emplace<int>(1);
  EXPECT_EQ(context.get<unsigned>(), nullptr);
  EXPECT_EQ(context.get<long>(), nullptr);
  context.emplace<Derived>();
  EXPECT_EQ(context.get<Base>(), nullptr);
  EXPECT_NE(context.get<Derived>(), nullptr);
}

TEST(Context, MakesAggregatesFromTheirMembers) {
  struct Request {
    std::string method;
    int length = 7;
    std::unique_ptr<int> body{};
  };
  Context context;
  EXPECT_EQ(context.emplace<Request>().length, 7);
  EXPECT_EQ(context.emplace<Request>("GET").length, 7);
  const Request& full = context.emplace<Request>("PUT", 3, std::make_unique<int>(5));
  EXPECT_EQ(full.method, "PUT");
  EXPECT_EQ(full.length, 3);
  EXPECT_EQ(*full.body, 5);
}

TEST(Context, PrefersConstructorsToInitializerLists) {
  Context context;
  EXPECT_EQ(context.emplace<std::vector<int>>(3, 1).size(), 3u);
}

TEST(Context, HoldsWhatCannotBeMoved) {
  struct Fixed {
    explicit Fixed(int n) : number(n) {}
    Fixed(const Fixed&) = delete;
    int number;
  };
  Context context;
  const Fixed& made = context.emplace<Fixed>(4);
  EXPECT_EQ(context.get<Fixed>(), &made);
  EXPECT_EQ(made.number, 4);
}

TEST(Context, DestroysWhatItReplacesFirst) {
  struct Noisy {
    Noisy(std::string& to, char name) : log(to), letter(name) { log += letter; }
    ~Noisy() { log += static_cast<char>(letter - 'a' + 'A'); }
    std::string& log;
    char letter;
  };
  std::string log;
  {
    Context context;
    context.emplace<Noisy>(log, 'a');
    context.emplace<Noisy>(log, 'b');
    EXPECT_EQ(log, "aAb");
    context.reset();
    EXPECT_EQ(log, "aAbB");
    EXPECT_EQ(context.get<Noisy>(), nullptr);
    context.emplace<Noisy>(log, 'c');
  }
  EXPECT_EQ(log, "aAbBcC");
}

TEST(Context, IsEmptyIfTheValueCannotBeMade) {
  struct Picky {
    explicit Picky(int) { throw std::runtime_error("no"); }
  };
  Context context;
  context.emplace<int>(1);
  EXPECT_THROW(context.emplace<Picky>(1), std::runtime_error);
  EXPECT_EQ(context.get<int>(), nullptr);
  EXPECT_EQ(context.get<Picky>(), nullptr);
}

TEST(Context, KeepsTheValueInPlaceWhenMoved) {
  Context context;
  int& number = context.emplace<int>(1);
  const Context moved = std::move(context);
  EXPECT_EQ(moved.get<int>(), &number);
}

}  // namespace

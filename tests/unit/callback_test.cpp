#include <gtest/gtest.h>

#include <array>
#include <evio/action.hpp>
#include <evio/callback.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "allocations.hpp"

namespace {

using evio::Action;
using evio::Callback;

// Counts its living instances.
struct Token {
  explicit Token(int& living) : count(&living) { ++*count; }
  Token(const Token& other) : count(other.count) { ++*count; }
  Token(Token&& other) noexcept : count(other.count) { ++*count; }
  ~Token() { --*count; }

  int* count;
};

int twice(int n) { return 2 * n; }

TEST(Callback, IsFalseWhileEmpty) {
  Callback<void()> handler;
  EXPECT_FALSE(handler);
  handler = [] {};
  EXPECT_TRUE(handler);
  handler = {};
  EXPECT_FALSE(handler);
}

TEST(Callback, IsEmptyIfItsTargetIsEmpty) {
  struct Member {
    int call(int n) const { return n; }
    int value = 0;
  };
  int (*const function)(int) = nullptr;
  int (Member::*const method)(int) const = nullptr;
  int Member::*const value = nullptr;
  EXPECT_FALSE(Callback<int(int)>(nullptr));
  EXPECT_FALSE(Callback<int(int)>(function));
  EXPECT_FALSE(Callback<int(int)>(std::function<int(int)>()));
  EXPECT_FALSE(Callback<int(int)>(std::function<int()>())) << "which takes no parameters";
  EXPECT_FALSE(Callback<int(int)>(Callback<int()>()));
  EXPECT_FALSE((Callback<int(const Member&, int)>(method)));
  EXPECT_FALSE((Callback<int(const Member&, int)>(value)));
  EXPECT_TRUE((Callback<int(const Member&, int)>(&Member::call)));
  EXPECT_TRUE(Callback<int(int)>(twice));
  EXPECT_TRUE(Callback<int(int)>([](int n) { return n; })) << "which could decay to a pointer";
}

TEST(Callback, DoesNothingWhileEmpty) {
  EXPECT_EQ(Callback<int(int)>()(3), 0);
  EXPECT_EQ(Callback<Action()>()(), Action::none);
  Callback<void()> moved = [] { FAIL(); };
  const Callback<void()> other = std::move(moved);
  moved();  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(Callback<int&()>()(), std::bad_function_call);
}

TEST(Callback, AcceptsCallablesOfTheFirstParameters) {
  using Three = Callback<int(int, const std::string&, std::unique_ptr<int>)>;
  const Three of_three = [](int n, const std::string& s, std::unique_ptr<int> p) {
    return n + static_cast<int>(s.size()) + *p;
  };
  const Three of_two = [](int n, const std::string& s) { return n + static_cast<int>(s.size()); };
  const Three of_one = [](int n) { return n; };
  const Three of_one_generic = [](auto n) { return n; };
  const Three of_none = [] { return 7; };
  EXPECT_EQ(of_three(1, "ab", std::make_unique<int>(10)), 13);
  EXPECT_EQ(of_two(1, "ab", nullptr), 3);
  EXPECT_EQ(of_one(1, "ab", nullptr), 1);
  EXPECT_EQ(of_one_generic(1, "ab", nullptr), 1);
  EXPECT_EQ(of_none(1, "ab", nullptr), 7);
}

TEST(Callback, CallsMembers) {
  struct Member {
    int call(int n) const { return n + value; }
    int value = 3;
  };
  const Member member;
  EXPECT_EQ((Callback<int(const Member&, int)>(&Member::call)(member, 1)), 4);
  EXPECT_EQ((Callback<int(const Member&, int)>(&Member::value)(member, 1)), 3);
}

TEST(Callback, AcceptsEveryKindOfCallable) {
  struct Functor {
    int operator()(int n) { return calls += n; }
    int calls = 0;
  };
  struct ConstFunctor {
    int operator()(int n) const { return n; }
  };
  const auto named = [](int n) { return n + 1; };
  const Callback<int(int)> of_lambda = [](int n) { return n + 1; };
  const Callback<int(int)> of_named = named;
  const Callback<int(int)> of_generic = [](auto n) { return n + 1; };
  const Callback<int(int)> of_function = twice;
  const Callback<int(int)> of_pointer = &twice;
  const Callback<int(int)> of_std_function = std::function<int(int)>(twice);
  const Callback<int(int)> of_functor = Functor();
  const Callback<int(int)> of_const_functor = ConstFunctor();
  EXPECT_EQ(of_lambda(1), 2);
  EXPECT_EQ(of_named(1), 2);
  EXPECT_EQ(of_generic(1), 2);
  EXPECT_EQ(of_function(4), 8);
  EXPECT_EQ(of_pointer(4), 8);
  EXPECT_EQ(of_std_function(4), 8);
  EXPECT_EQ(of_functor(2) + of_functor(2), 2 + 4);
  EXPECT_EQ(of_const_functor(5), 5);
}

TEST(Callback, ParametersMayBeLeftOut) {
  const Callback<int(int, std::string)> handler = [] { return 7; };
  EXPECT_EQ(handler(1, "two"), 7);
}

TEST(Callback, AllParametersArePreferredIfBothFit) {
  struct Both {
    int operator()(int n) { return n; }
    int operator()() { return -1; }
  };
  const Callback<int(int)> handler = Both();
  EXPECT_EQ(handler(3), 3);
}

TEST(Callback, VoidMeansActionNone) {
  int calls = 0;
  const Callback<Action(int)> with = [&](int) { ++calls; };
  const Callback<Action(int)> without = [&] { ++calls; };
  const Callback<Action(int)> closing = [] { return Action::close; };
  EXPECT_EQ(with(1), Action::none);
  EXPECT_EQ(without(1), Action::none);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(closing(1), Action::close);
}

TEST(Callback, ResultsAreConverted) {
  const Callback<std::string()> handler = [] { return "text"; };
  EXPECT_EQ(handler(), "text");
}

TEST(Callback, ReferencesArriveAsThemselves) {
  int number = 1;
  const Callback<void(int&)> handler = [](int& n) { n = 5; };
  handler(number);
  EXPECT_EQ(number, 5);
  const Callback<int&(int&)> same = [](int& n) -> int& { return n; };
  EXPECT_EQ(&same(number), &number);
}

TEST(Callback, ValuesAreMovedThrough) {
  const Callback<int(std::unique_ptr<int>)> handler = [](std::unique_ptr<int> n) { return *n; };
  EXPECT_EQ(handler(std::make_unique<int>(9)), 9);
}

TEST(Callback, CapturesMayBeMoveOnly) {
  Callback<int()> handler = [number = std::make_unique<int>(3)] { return ++*number; };
  EXPECT_EQ(handler(), 4);
  const Callback<int()> moved = std::move(handler);
  EXPECT_EQ(moved(), 5);
}

TEST(Callback, CapturesMayChange) {
  const Callback<int()> handler = [n = 0]() mutable { return ++n; };
  handler();
  EXPECT_EQ(handler(), 2);
}

TEST(Callback, IsMovedNotCopied) {
  static_assert(!std::is_copy_constructible_v<Callback<void()>>);
  static_assert(!std::is_copy_assignable_v<Callback<void()>>);
  static_assert(std::is_nothrow_move_constructible_v<Callback<void()>>);
  static_assert(std::is_nothrow_move_assignable_v<Callback<void()>>);
  Callback<int()> first = [] { return 1; };
  Callback<int()> second = std::move(first);
  EXPECT_FALSE(first);
  first = std::move(second);
  EXPECT_FALSE(second);
  EXPECT_EQ(first(), 1);
}

TEST(Callback, SelfMoveKeepsTheTarget) {
  Callback<int()> handler = [number = std::make_unique<int>(1)] { return *number; };
  Callback<int()>& same = handler;
  handler = std::move(same);
  EXPECT_EQ(handler(), 1);
}

TEST(Callback, HoldsFourPointersInPlace) {
  const std::size_t before = allocations().count;
  std::array<void*, 4> captured{};
  Callback<void*()> handler = [captured] { return captured[3]; };
  const Callback<void*()> moved = std::move(handler);
  EXPECT_EQ(moved(), nullptr);
  EXPECT_EQ(allocations().count, before);
}

TEST(Callback, HoldsMoreOnTheHeapAndMovesItWithoutAllocating) {
  std::array<int, 100> captured{};
  captured[99] = 4;
  const std::size_t before = allocations().count;
  Callback<int()> handler = [captured] { return captured[99]; };
  EXPECT_EQ(allocations().count, before + 1);
  Callback<int()> moved = std::move(handler);
  handler = std::move(moved);
  EXPECT_EQ(handler(), 4);
  EXPECT_EQ(allocations().count, before + 1);
}

TEST(Callback, HoldsOverAlignedTargetsOnTheHeap) {
  struct alignas(64) Aligned {
    bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  };
  Callback<bool()> handler = Aligned();
  const Callback<bool()> moved = std::move(handler);
  EXPECT_TRUE(moved());
}

template <std::size_t size>
void destroys_once() {
  int living = 0;
  {
    Callback<void()> first = [token = Token(living), room = std::array<char, size>()] {
      static_cast<void>(room);
    };
    EXPECT_EQ(living, 1);
    Callback<void()> second = std::move(first);
    EXPECT_EQ(living, 1);
    first = std::move(second);
    EXPECT_EQ(living, 1);
    first = [token = Token(living), room = std::array<char, size>()] { static_cast<void>(room); };
    EXPECT_EQ(living, 1) << "what was replaced lives on";
    first = {};
    EXPECT_EQ(living, 0);
    first = [token = Token(living), room = std::array<char, size>()] { static_cast<void>(room); };
  }
  EXPECT_EQ(living, 0);
}

TEST(Callback, DestroysATargetInPlaceOnce) { destroys_once<1>(); }
TEST(Callback, DestroysATargetOnTheHeapOnce) { destroys_once<100>(); }

TEST(Callback, ExceptionsPassThrough) {
  const Callback<Action(int)> handler = [](int n) {
    if (n < 0) throw std::out_of_range("negative");
  };
  EXPECT_EQ(handler(1), Action::none);
  EXPECT_THROW(handler(-1), std::out_of_range);
  EXPECT_EQ(handler(1), Action::none);
}

TEST(Callback, ACallableThatCannotBeMadeLeavesNothing) {
  struct Picky {
    Picky() = default;
    Picky(const Picky&) { throw std::runtime_error("no copy"); }
    void operator()() const {}
  };
  const Picky picky;
  EXPECT_THROW(Callback<void()>{picky}, std::runtime_error);
}

}  // namespace

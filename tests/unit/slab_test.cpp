#include "slab.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "allocations.hpp"

namespace {

using evio::detail::Slab;

// Can be neither copied nor moved; its destructor calls the given function.
struct Fixed {
  explicit Fixed(int n = 0, std::function<void()> fn = {}) : number(n), at_death(std::move(fn)) {}
  Fixed(const Fixed&) = delete;
  ~Fixed() {
    if (at_death) at_death();
  }

  int number;
  std::function<void()> at_death;
};

TEST(Slab, KeepsEachObjectAtItsAddress) {
  Slab<Fixed> slab;
  std::vector<Fixed*> addresses;
  for (int i = 0; i < 10'000; ++i) addresses.push_back(&slab[slab.make(i)]);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    EXPECT_EQ(&slab[i], addresses[i]);
    EXPECT_EQ(slab[i].number, static_cast<int>(i));
  }
}

TEST(Slab, ReusesTheSlotThatWasFreedLast) {
  Slab<Fixed> slab;
  for (int i = 0; i < 10; ++i) slab.make(i);
  slab.destroy(3);
  slab.destroy(7);
  EXPECT_EQ(slab.make(), 7u);
  EXPECT_EQ(slab.make(), 3u);
  EXPECT_EQ(slab.make(), 10u);
}

TEST(Slab, KnowsWhichSlotsAreUsed) {
  Slab<Fixed> slab;
  EXPECT_FALSE(slab.alive(0));
  const std::uint32_t index = slab.make();
  EXPECT_TRUE(slab.alive(index));
  EXPECT_FALSE(slab.alive(index + 1));
  EXPECT_FALSE(slab.alive(1'000'000));
  EXPECT_FALSE(slab.alive(Slab<Fixed>::none));
  slab.destroy(index);
  EXPECT_FALSE(slab.alive(index));
  EXPECT_EQ(slab.size(), 0u);
}

TEST(Slab, DestroysRemainingObjectsOnce) {
  int deaths = 0;
  {
    Slab<Fixed> slab;
    for (int i = 0; i < 1000; ++i) slab.make(i, [&] { ++deaths; });
    for (std::uint32_t i = 0; i < 1000; i += 2) slab.destroy(i);
    EXPECT_EQ(deaths, 500);
  }
  EXPECT_EQ(deaths, 1000);
}

TEST(Slab, AConstructorThatThrowsChangesNothing) {
  struct Picky {
    explicit Picky(bool willing) {
      if (!willing) throw std::runtime_error("no");
    }
  };
  Slab<Picky> slab;
  EXPECT_THROW(slab.make(false), std::runtime_error);
  EXPECT_EQ(slab.size(), 0u);
  EXPECT_EQ(slab.make(true), 0u);
  EXPECT_THROW(slab.make(false), std::runtime_error);
  EXPECT_FALSE(slab.alive(1));
  EXPECT_EQ(slab.make(true), 1u);
}

TEST(Slab, ADestructorMayMakeAndDestroyOthers) {
  Slab<Fixed> slab;
  const std::uint32_t other = slab.make(1);
  std::uint32_t made = Slab<Fixed>::none;
  const std::uint32_t first = slab.make(2, [&] {
    EXPECT_FALSE(slab.alive(1));
    slab.destroy(other);
    made = slab.make(3);
  });
  slab.destroy(first);
  EXPECT_EQ(slab.size(), 1u);
  EXPECT_NE(made, first);
  EXPECT_EQ(slab[made].number, 3);
}

TEST(Slab, ADestructorMayMakeOthersWhenTheSlabIsDestroyed) {
  int deaths = 0;
  {
    Slab<Fixed> slab;
    slab.make();
    slab.make(1, [&] {
      slab.destroy(2);
      for (int i = 0; i < 2; ++i)
        slab.make(3, [&] { ++deaths; });  // one of them in the slot of the first
    });
    slab.make(2, [&] { ++deaths; });
  }
  EXPECT_EQ(deaths, 3);
}

TEST(Slab, ForEachGoesInOrderAndToleratesChanges) {
  Slab<Fixed> slab;
  for (int i = 0; i < 5000; ++i) slab.make(i);
  std::vector<int> visited;
  slab.for_each([&](Fixed& each) {
    const int number = each.number;
    visited.push_back(number);
    if (number % 3 != 0 || number >= 5000) return;
    slab.destroy(static_cast<std::uint32_t>(number + 1));
    slab.destroy(static_cast<std::uint32_t>(number));
    slab.make(number + 10'000);
  });
  std::vector<int> expected;
  for (int i = 0; i < 5000; ++i)
    if (i % 3 != 1) expected.push_back(i);
  std::erase_if(visited, [](int number) { return number >= 5000; });
  EXPECT_EQ(visited, expected);
}

TEST(Slab, ForEachMayDestroyEverything) {
  Slab<Fixed> slab;
  for (int i = 0; i < 5000; ++i) slab.make(i);
  int visits = 0;
  slab.for_each([&](Fixed&) {
    ++visits;
    for (std::uint32_t i = 0; i < 5000; ++i) slab.destroy(i);
  });
  EXPECT_EQ(visits, 1);
  EXPECT_EQ(slab.size(), 0u);
}

TEST(Slab, CostsLittleMoreThanItsObjects) {
  struct Eighty {
    char bytes[80];
  };
  for (const std::size_t count : {std::size_t{1}, std::size_t{12'000}, std::size_t{1'000'000}}) {
    const Allocations before = allocations();
    Slab<Eighty> slab;
    for (std::size_t i = 0; i < count; ++i) slab.make();
    EXPECT_LE(allocations().bytes - before.bytes, count * sizeof(Eighty) * 1.01 + 64 * 1024)
        << count;
  }
}

TEST(Slab, ReleasesItsMemoryWithTheLastObject) {
  Slab<std::shared_ptr<int>> slab;
  const auto fill = [&] {
    const std::size_t before = allocations().count;
    for (int i = 0; i < 100'000; ++i) slab.make();
    for (std::uint32_t i = 0; i < 100'000; ++i) slab.destroy(i);
    return allocations().count - before;
  };
  const std::size_t chunks = fill();
  EXPECT_GT(chunks, 20u);
  EXPECT_GT(fill(), 20u) << "it had kept its memory";
}

TEST(Slab, ReusingSlotsAllocatesNothing) {
  Slab<Fixed> slab;
  slab.destroy(slab.make());
  const std::size_t before = allocations().count;
  for (int i = 0; i < 1000; ++i) slab.destroy(slab.make(i));
  EXPECT_EQ(allocations().count, before);
}

TEST(Slab, HoldsObjectsOfAnySizeAndAlignment) {
  struct Small {
    char byte = 'a';
  };
  struct alignas(256) Aligned {
    char byte = 'b';
  };
  struct Huge {
    char bytes[100'000] = {'c'};
  };
  Slab<Small> small;
  Slab<Aligned> aligned;
  Slab<Huge> huge;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(small[small.make()].byte, 'a');
    EXPECT_EQ(huge[huge.make()].bytes[0], 'c');
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&aligned[aligned.make()]) % 256, 0u);
  }
  for (std::uint32_t i = 0; i < 300; i += 7) small.destroy(i), aligned.destroy(i), huge.destroy(i);
  for (std::uint32_t i = 0; i < 300; ++i) EXPECT_EQ(small.alive(i), i % 7 != 0);
  EXPECT_EQ(huge.next(298), 298u);
  EXPECT_EQ(huge.next(294), 295u);
  EXPECT_EQ(huge.next(300), Slab<Huge>::none);
}

// Whatever is made and destroyed in any order, the slab holds the same objects as a map.
RC_GTEST_PROP(SlabProperty, BehavesLikeAMapThatChoosesItsKeys, ()) {
  struct Big {
    explicit Big(int n) : number(n) {}
    int number;
    char bytes[1020] = {};
  };
  using Command = std::pair<bool, std::uint32_t>;  // make an object, or destroy an existing one
  const auto commands = *rc::gen::scale(5.0, rc::gen::arbitrary<std::vector<Command>>());
  Slab<Big> slab;
  std::map<std::uint32_t, int> model;
  for (const auto& [make, n] : commands) {
    if (make || model.empty()) {
      const std::uint32_t index = slab.make(static_cast<int>(n));
      RC_ASSERT(model.emplace(index, static_cast<int>(n)).second);
    } else {
      const auto victim = std::next(model.begin(), n % model.size());
      slab.destroy(victim->first);
      RC_ASSERT(!slab.alive(victim->first));
      model.erase(victim);
    }
  }
  RC_ASSERT(slab.size() == model.size());
  std::vector<int> numbers;
  slab.for_each([&](Big& each) { numbers.push_back(each.number); });
  std::vector<int> expected;
  for (const auto& [index, number] : model) {
    RC_ASSERT(slab.alive(index));
    RC_ASSERT(slab[index].number == number);
    expected.push_back(number);
  }
  RC_ASSERT(numbers == expected);
}

}  // namespace

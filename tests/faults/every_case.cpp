// Runs every test of the program under faults, chosen by EVIO_FAULT_SEED and the name of the test.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "faults.hpp"

namespace evio::test::faults { namespace {

std::uint64_t asked_seed() {
  const char* seed = std::getenv("EVIO_FAULT_SEED");
  return seed ? std::strtoull(seed, nullptr, 10) : 1;
}

// FNV-1a: the same on every machine.
std::uint64_t hash(std::string_view name) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char c : name) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

class UnderFaults final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& test) override {
    set(unnoticeable(asked_seed() * 0x9e3779b97f4a7c15 +
                     hash(std::string(test.test_suite_name()) + test.name())));
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (test.result()->Failed()) report();
    clear();
  }
  static void report() {
    std::cout << "under faults, EVIO_FAULT_SEED=" << asked_seed() << ":";
    for (std::size_t i = 0; i < fault_count; ++i)
      if (const auto count = happened(static_cast<Fault>(i)))
        std::cout << ' ' << name_of(static_cast<Fault>(i)) << ' ' << count;
    if (ring_entries() > 0) std::cout << " ring_entries " << ring_entries();
    std::cout << std::endl;
  }
};

[[maybe_unused]] const bool listening = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new UnderFaults);
  return true;
}();

}  // namespace

}  // namespace evio::test::faults

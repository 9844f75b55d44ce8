// Many short client connections on one thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "client.hpp"

namespace evio::test::soak {

struct Totals {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> bytes{0};
  std::array<std::atomic<std::uint64_t>, 3> endings{};  // by Script::CloseReason
};

class Crowd {
 public:
  Crowd(std::vector<Address> addresses, std::uint64_t seed, Totals& totals);
  /// Makes connections until `deadline`, then runs until the existing ones have finished.
  void run(Client::Clock::time_point deadline);

 private:
  static constexpr std::size_t most = 300;
  static constexpr std::size_t arrivals_max = 32;

  void let_in();
  void count(const Client& client);

  const std::vector<Address> addresses_;
  Random random_;
  Totals& totals_;
  std::vector<Client> clients_;
  int problems_ = 0;
};

}  // namespace evio::test::soak

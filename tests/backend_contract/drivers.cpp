// The list of drivers: one more is one line more.
#include "asynchronous_driver.hpp"
#include "rig.hpp"

namespace evio::test {

namespace {

template <Backend backend>
std::unique_ptr<Platform> real() {
  return make_platform(backend);
}

// The seed differs from case to case, but not from run to run.
std::unique_ptr<Platform> asynchronous() {
  static std::uint64_t seed = 1;
  return make_asynchronous_platform(seed++);
}

}  // namespace

const std::vector<DriverKind>& drivers() {
  static const std::vector<DriverKind> all = {
      {"epoll", real<Backend::epoll>},
      {"poll", real<Backend::poll>},
      {"asynchronous", asynchronous},
  };
  return all;
}

}  // namespace evio::test

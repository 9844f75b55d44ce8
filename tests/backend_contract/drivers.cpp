// The list of drivers: one more is one line more.
#include <evio/error.hpp>

#include "asynchronous_driver.hpp"
#include "rig.hpp"
#ifdef EVIO_HAVE_URING
#include "backend/posix/posix_platform.hpp"
#include "backend/uring/uring_driver.hpp"
#endif

namespace evio::test {

using namespace detail;

namespace {

template <Backend backend>
std::unique_ptr<Platform> real() {
  return make_platform(backend);
}

#ifdef EVIO_HAVE_URING
// With so few buffers that streams run out of them all the time.
std::unique_ptr<Platform> starved() {
  make_platform(Backend::io_uring);  // throws if there is none
  return make_posix_platform([](Sink& sink, EventFd& waker) -> std::unique_ptr<Driver> {
    return std::make_unique<UringDriver>(sink, waker, 16U);
  });
}
#endif

// The seed differs from case to case, but not from run to run.
std::unique_ptr<Platform> asynchronous() {
  static std::uint64_t seed = 1;
  return make_asynchronous_platform(seed++);
}

bool runs_here(const DriverKind& kind) {
  try {
    kind.make_platform();
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

const std::vector<DriverKind>& drivers() {
  static const std::vector<DriverKind> running = [] {
    std::vector<DriverKind> all = {
        {"io_uring", real<Backend::io_uring>},
#ifdef EVIO_HAVE_URING
        {"io_uring_starved", starved},
#endif
        {"epoll", real<Backend::epoll>},       {"poll", real<Backend::poll>},
        {"asynchronous", asynchronous},
    };
    std::erase_if(all, [](const DriverKind& kind) { return !runs_here(kind); });
    return all;
  }();
  return running;
}

}  // namespace evio::test

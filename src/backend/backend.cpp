// Chooses the backend, that is, the kernel interface that a server uses.
#include <cstdlib>
#include <evio/backend.hpp>
#include <evio/error.hpp>
#include <string>
#include <string_view>

#include "backend/platform.hpp"
#include "backend/posix/posix_platform.hpp"
#include "backend/readiness/readiness_driver.hpp"
#ifdef EVIO_HAVE_URING
#include "backend/uring/uring_driver.hpp"
#endif

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::unique_ptr<Driver> epoll_driver(Sink& sink, EventFd& waker) {
  return std::make_unique<ReadinessDriver>(sink, waker, make_epoll());
}

std::unique_ptr<Driver> poll_driver(Sink& sink, EventFd& waker) {
  return std::make_unique<ReadinessDriver>(sink, waker, make_poll());
}

#ifdef EVIO_HAVE_URING
std::unique_ptr<Driver> uring_driver(Sink& sink, EventFd& waker) {
  return std::make_unique<UringDriver>(sink, waker);
}

std::string why_not_uring() { return Ring::what_is_missing(); }
#else
std::unique_ptr<Driver> uring_driver(Sink&, EventFd&) { return nullptr; }

std::string why_not_uring() { return "this build was made without liburing"; }
#endif

[[noreturn]] void refuse(const char* backend, const std::string& why) {
  throw Error(std::make_error_code(std::errc::not_supported), "",
              std::string("backend ") + backend + " is not available: " + why);
}

Backend from_environment() {
  const char* name =
      std::getenv("EVIO_BACKEND");  // NOLINT(concurrency-mt-unsafe): unsafe only beside setenv
  if (!name || !*name) return Backend::automatic;
  const std::string_view asked(name);
  if (asked == "automatic") return Backend::automatic;
  if (asked == "io_uring") return Backend::io_uring;
  if (asked == "epoll") return Backend::epoll;
  if (asked == "kqueue") return Backend::kqueue;
  if (asked == "poll") return Backend::poll;
  throw Error(std::make_error_code(std::errc::invalid_argument), "",
              "EVIO_BACKEND is '" + std::string(asked) +
                  "': give automatic, io_uring, epoll, kqueue or poll");
}

}  // namespace

std::unique_ptr<Platform> make_platform(Backend backend) {
  if (backend == Backend::automatic) backend = from_environment();
  switch (backend) {
    case Backend::poll:
      return make_posix_platform(poll_driver);
    case Backend::io_uring:
      if (const std::string why = why_not_uring(); !why.empty()) refuse("io_uring", why);
      return make_posix_platform(uring_driver);
    case Backend::kqueue:
      refuse("kqueue", "it is not a Linux interface; use automatic or epoll");
    case Backend::automatic:
    case Backend::epoll:
      break;
  }
  return make_posix_platform(epoll_driver);
}

}}}  // namespace evio::v0::detail

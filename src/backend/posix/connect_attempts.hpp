// The attempts to connect of one driver.
#pragma once

#include <system_error>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/process.hpp"

namespace evio { inline namespace v0 { namespace detail {

class ConnectAttempts {
 public:
  ConnectAttempts() = default;
  ConnectAttempts(const ConnectAttempts&) = delete;
  ConnectAttempts& operator=(const ConnectAttempts&) = delete;
  ~ConnectAttempts();

  // -1 if it failed at once, which is told with the next report_failed().
  int begin(ConnectId id, const Address& to, const Options& options);
  // -1 once it is over.
  int fd(ConnectId id) const noexcept { return connects_[static_cast<std::size_t>(id)].fd; }
  // Tells it from others that had its name.
  std::uint32_t generation(ConnectId id) const noexcept {
    return connects_[static_cast<std::size_t>(id)].generation;
  }
  bool alive(ConnectId id, std::uint32_t generation) const noexcept {
    const One& one = connects_[static_cast<std::size_t>(id)];
    return one.fd >= 0 && one.generation == generation;
  }
  void cancel(ConnectId id) noexcept;
  // It cannot go on, which is told with the next report_failed().
  void fail(ConnectId id, std::error_code error);

  // The descriptor is writable, and nobody watches it any more: tells the sink how it ended.
  void finish(ConnectId id, Sink& sink);
  bool any_failed() const noexcept { return !failed_.empty(); }
  bool report_failed(Sink& sink);

 private:
  struct One {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t forks = 0;  // NativeSocket's
    bool failing = false;     // stands in failed_
  };
  struct Failed {
    ConnectId id;
    std::uint32_t generation;
    std::error_code error;
  };

  void close(One& one) noexcept;

  const Maker maker_{};
  std::vector<One> connects_;  // by name
  std::vector<Failed> failed_, telling_;
};

}}}  // namespace evio::v0::detail

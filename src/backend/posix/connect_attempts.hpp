// The attempts to connect of one driver: their sockets and their results.
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

  // Begins an attempt and returns its descriptor. -1 if it failed at once; the next report_failed()
  // reports the error.
  int begin(ConnectId id, const Address& to, const Options& options);
  // -1 once the attempt has ended.
  int fd(ConnectId id) const noexcept { return connects_[static_cast<std::size_t>(id)].fd; }
  // Distinguishes the attempt from earlier ones with the same id.
  std::uint32_t generation(ConnectId id) const noexcept {
    return connects_[static_cast<std::size_t>(id)].generation;
  }
  bool alive(ConnectId id, std::uint32_t generation) const noexcept {
    const One& one = connects_[static_cast<std::size_t>(id)];
    return one.fd >= 0 && one.generation == generation;
  }
  void cancel(ConnectId id) noexcept;
  // The attempt has failed. The next report_failed() reports the error.
  void fail(ConnectId id, std::error_code error);

  // The descriptor has become writable: reports the result to the sink. The driver must have
  // stopped watching the descriptor.
  void finish(ConnectId id, Sink& sink);
  bool any_failed() const noexcept { return !failed_.empty(); }
  // Reports the failed attempts to the sink. True if there were any.
  bool report_failed(Sink& sink);

 private:
  struct One {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t forks = 0;  // see NativeSocket
    bool failing = false;     // it is in failed_
  };
  struct Failed {
    ConnectId id;
    std::uint32_t generation;
    std::error_code error;
  };

  void close(One& one) noexcept;

  const Maker maker_{};
  std::vector<One> connects_;  // by id
  std::vector<Failed> failed_, telling_;
};

}}}  // namespace evio::v0::detail

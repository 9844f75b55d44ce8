// Private. The attempts to connect of one driver.
#pragma once

#include <system_error>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/process.hpp"

namespace evio::inline v1 {

class Dials {
 public:
  Dials() = default;
  Dials(const Dials&) = delete;
  Dials& operator=(const Dials&) = delete;
  ~Dials();

  // -1 if it failed at once, which is told with the next tell_failed().
  int begin(Dial dial, const Address& to, const Options& options);
  // -1 once it is over.
  int fd(Dial dial) const noexcept { return dials_[static_cast<std::size_t>(dial)].fd; }
  // Tells it from others that had its name.
  std::uint32_t generation(Dial dial) const noexcept { return dials_[static_cast<std::size_t>(dial)].generation; }
  bool alive(Dial dial, std::uint32_t generation) const noexcept {
    const One& one = dials_[static_cast<std::size_t>(dial)];
    return one.fd >= 0 && one.generation == generation;
  }
  void cancel(Dial dial) noexcept;
  // It cannot go on, which is told with the next tell_failed().
  void fail(Dial dial, std::error_code error);

  // The descriptor is writable, and nobody watches it any more: tells the sink how it ended.
  void finish(Dial dial, Sink& sink);
  bool any_failed() const noexcept { return !failed_.empty(); }
  bool tell_failed(Sink& sink);

 private:
  struct One {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t forks = 0;  // NativeSocket's
    bool failing = false;     // stands in failed_
  };
  struct Failed {
    Dial dial;
    std::uint32_t generation;
    std::error_code error;
  };

  void close(One& one) noexcept;

  const Maker maker_{};
  std::vector<One> dials_;  // by name
  std::vector<Failed> failed_, telling_;
};

}  // namespace evio::inline v1

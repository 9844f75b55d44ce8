// The selector for epoll(7).
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <evio/error.hpp>

#include "backend/posix/clock.hpp"
#include "backend/posix/process.hpp"
#include "backend/readiness/selector.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

class Epoll final : public Selector {
 public:
  Epoll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0)
      throw Error(std::error_code(errno, std::generic_category()), "",
                  "cannot open an epoll instance");
  }
  ~Epoll() override { ::close(fd_); }
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;

  std::error_code add(int fd, Wanted wanted, std::uint64_t key) override {
    highest_ = std::max(highest_, fd);
    return control(EPOLL_CTL_ADD, fd, events(wanted), key);
  }
  std::error_code modify(int fd, Wanted wanted, std::uint64_t key) override {
    return control(EPOLL_CTL_MOD, fd, events(wanted), key);
  }
  void remove(int fd) override { control(EPOLL_CTL_DEL, fd, 0, 0); }
  void forget(int fd, bool copied) override {
    if (copied) remove(fd);
  }

  bool watch_wakes(int fd, std::uint64_t key) override {
    const std::error_code error = control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, key);
    if (error) throw Error(error, "", "epoll cannot watch an eventfd");
    return false;
  }

  int fd() const noexcept override { return fd_; }

  std::span<const Ready> wait(Duration timeout) override {
    const int count =
        ::epoll_wait(fd_, raw_.data(), static_cast<int>(raw_.size()), milliseconds(timeout));
    note_told(count);
    std::size_t ready = 0;
    for (; count > 0 && ready < static_cast<std::size_t>(count); ++ready) {
      const epoll_event& event = raw_[ready];
      ready_[ready] = {.key = event.data.u64,
                       .readable = (event.events & EPOLLIN) != 0,
                       .writable = (event.events & EPOLLOUT) != 0,
                       .hung_up = (event.events & (EPOLLHUP | EPOLLERR)) != 0};
    }
    return std::span(ready_).first(ready);
  }

  bool complete() const noexcept override { return complete_; }

 private:
  static constexpr std::size_t batch = 512;

  static std::uint32_t events(Wanted wanted) noexcept {
    return (wanted.read ? std::uint32_t{EPOLLIN} : 0) |
           (wanted.write ? std::uint32_t{EPOLLOUT} : 0);
  }
  std::error_code control(int operation, int fd, std::uint32_t events, std::uint64_t key) noexcept {
    // In a forked child the epoll is shared with the parent, whose registrations must stay.
    if (!maker_.is_this_process()) return {};
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(fd_, operation, fd, &event) == 0) return {};
    return {errno, std::generic_category()};
  }

  // The kernel reports ready descriptors in rotation, and at most highest_ + 1 can be ready. So
  // after more than highest_ events, everything that was ready at the first of these waits was
  // reported.
  void note_told(int count) noexcept {
    told_ += std::max(count, 0);
    complete_ = count >= 0 && (count < static_cast<int>(batch) || told_ > highest_);
    if (complete_) told_ = 0;
  }

  const Maker maker_{};
  const int fd_;
  int highest_ = 0;  // the largest descriptor that was ever added
  int told_ = 0;     // the number of events since the first incomplete wait
  bool complete_ = true;
  std::array<epoll_event, batch> raw_;
  std::array<Ready, batch> ready_;
};

}  // namespace

std::unique_ptr<Selector> make_epoll() { return std::make_unique<Epoll>(); }

}}}  // namespace evio::v0::detail

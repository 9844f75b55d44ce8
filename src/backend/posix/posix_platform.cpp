#include "backend/posix/posix_platform.hpp"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <evio/error.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "backend/posix/clock.hpp"
#include "backend/posix/cpus.hpp"
#include "backend/posix/datagram_port.hpp"
#include "backend/posix/io.hpp"
#include "backend/posix/process.hpp"
#include "backend/posix/report.hpp"
#include "backend/posix/resolver.hpp"
#include "backend/posix/signals.hpp"
#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

void run_to_the_end(Runner& runner) {
  if (!runner.thread_name().empty())
    ::pthread_setname_np(::pthread_self(), runner.thread_name().c_str());
  while (runner.run_once()) {
  }
}

Resolved look_up(const Address& name) {
  Resolved found;
  found.addresses = look_up_all(name, found.error);
  return found;
}

class PosixPlatform final : public Platform {
 public:
  explicit PosixPlatform(MakeDriver make) noexcept : make_driver_(make) {}

  Bound bind(const Address& address, bool reuseport, int backlog, const Options& options) override {
    BoundSocket bound = bind_socket(address, reuseport, backlog, options);
    return {.socket = {bound.fd},
            .address = std::move(bound.address),
            .file_device = bound.device,
            .file_inode = bound.inode};
  }
  void start() override {
    shared_ = copied();
    runs_in_.emplace();
  }
  // An inherited socket belongs to another process, too, so it is neither shut down nor is its file
  // removed. Without forks, closing is enough to refuse connections.
  void retire(const Bound& bound) noexcept override {
    if (use() != Use::only) return;
    if (bound.inherited) return share(bound.socket);
    if (bound.file_inode != 0)
      remove_socket_file(bound.address, bound.file_device, bound.file_inode);
    if (forks() > 0) stop_serving(fd_of(bound.socket));
  }
  void retired(const Bound& bound) noexcept override {
    if (use() == Use::shared && bound.file_inode != 0)
      remove_unserved_file(bound.address, bound.file_device, bound.file_inode);
  }
  Bound inherit(Socket socket, int backlog, const Options& options) override {
    BoundSocket bound = inherit_socket(std::move(socket), backlog, options);
    return {.socket = {bound.fd}, .address = std::move(bound.address), .inherited = true};
  }
  Socket duplicate(NativeSocket socket) override { return duplicate_socket(fd_of(socket)); }
  void share(NativeSocket socket) noexcept override { receive_one_by_one(fd_of(socket)); }

  NativeSocket take_over(Socket&& socket) override {
    check_connected(socket.fd());
    make_ready(socket.fd());
    return {socket.release()};
  }
  void discard(NativeSocket socket) noexcept override { ::close(fd_of(socket)); }
  void refuse(NativeSocket socket) noexcept override {
    close_stream(fd_of(socket), use() == Use::none ? forks() : socket.forks);
  }

  std::unique_ptr<Waker> make_waker() override { return std::make_unique<EventFd>(); }
  std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) override {
    return make_driver_(sink, static_cast<EventFd&>(waker));
  }

  // The caller's thread runs the first loop, also after a failure: its run_once() returns false
  // soon, since `abandon` has stopped the server.
  void run(std::span<Runner* const> runners, const std::function<void()>& abandon) override {
    std::vector<std::thread> threads;
    std::exception_ptr failure;
    try {
      for (Runner* runner : runners.subspan(1))
        threads.emplace_back([runner] { run_to_the_end(*runner); });
    } catch (...) {
      failure = std::current_exception();
      abandon();
    }
    run_to_the_end(*runners.front());
    for (std::thread& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
  }

  ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done) override {
    return resolver_.resolve(name, std::move(done));
  }

  void report(std::string_view line) noexcept override { report_line(line); }

  Duration now() override { return monotonic_now(); }
  // getrandom(2) can be interrupted only before the kernel's generator is initialised.
  std::uint64_t random() override {
    std::uint64_t number = 0;
    while (::getrandom(&number, sizeof number, 0) < 0) {
    }
    return number;
  }
  int hardware_threads() override { return detail::hardware_threads(); }
  std::shared_ptr<void> catch_signals(Stoppable& target) override {
    return detail::catch_signals(target);
  }

 private:
  // How this process uses the bound sockets. It determines what closing them may affect.
  enum class Use {
    only,    // only this process serves them
    shared,  // a fork copied the server before it ran, so other processes may serve them, too
    none     // this object is a copy of a server that runs in the parent process
  };
  Use use() const noexcept {
    if (runs_in_ && !runs_in_->is_this_process()) return Use::none;
    return (runs_in_ ? shared_ : copied()) ? Use::shared : Use::only;
  }
  bool copied() const noexcept { return !bound_in_.is_this_process() || forks() != forks_before_; }
  static int fd_of(NativeSocket socket) noexcept { return static_cast<int>(socket.value); }

  const Maker bound_in_;
  const std::uint32_t forks_before_ = forks();
  std::optional<Maker> runs_in_;
  bool shared_ = false;
  const MakeDriver make_driver_;
  Resolver resolver_{look_up};
};

}  // namespace

std::unique_ptr<Platform> make_posix_platform(MakeDriver make_driver) {
  return std::make_unique<PosixPlatform>(make_driver);
}

}}}  // namespace evio::v0::detail

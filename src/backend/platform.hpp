// The other half of the seam: where sockets, drivers, threads and chance come from.
//
// A platform must provide, for one server: bound sockets, a driver and a waker for each loop, the
// running of all loops, random numbers and signals. The middle starts no thread, reads no clock and
// draws no number elsewhere.
#pragma once

#include <cstdint>
#include <evio/address.hpp>
#include <evio/backend.hpp>
#include <evio/binding.hpp>
#include <evio/options.hpp>
#include <evio/socket.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

// A socket that was bound, with its true address.
struct Bound {
  NativeSocket socket;
  Address address;
  std::uint64_t file_device = 0;  // a unix socket's file, to be removed if it is still this one
  std::uint64_t file_inode = 0;
  bool inherited = false;  // made by somebody else, who may have it still
};

// What a name stands for.
struct Resolved {
  std::vector<Address> addresses;
  std::error_code error;
};

// What somebody asked to be looked up, while the answer is waited for. May be null.
using ResolveHandle = std::shared_ptr<const void>;

// What runs on a thread: a loop.
class Runner {
 public:
  virtual const std::string& thread_name()
      const noexcept = 0;  // empty: the caller's thread keeps its name
  // One batch of events; false once it has ended.
  virtual bool run_once() = 0;

 protected:
  ~Runner() = default;
};

// What a signal stops: a server. Async-signal-safe.
class Stoppable {
 public:
  virtual void stop() noexcept = 0;
  virtual void stop_now() noexcept = 0;

 protected:
  ~Stoppable() = default;
};

class Platform {
 public:
  virtual ~Platform() = default;

  // Throws Error, and then nothing stays bound.
  virtual Bound bind(const Address& address, bool reuseport, int backlog,
                     const Options& options) = 0;
  // The server begins to run, in this process.
  virtual void start() {}
  // The socket is about to be closed, and was passed on to nobody: who connects is refused from now
  // on, and what binding left in the file system goes. Not yet if a fork made copies of the server
  // before it ran: other processes may serve the same socket.
  virtual void retire(const Bound& bound) noexcept = 0;
  // It is closed: what binding left goes if no other process has the socket.
  virtual void retired(const Bound&) noexcept {}
  // Takes a bound socket over that somebody else made. Throws Error if it is none.
  virtual Bound inherit(Socket socket, int backlog, const Options& options) = 0;
  // Another descriptor of a bound socket, for a successor.
  virtual Socket duplicate(NativeSocket socket) = 0;
  // Undoes what a driver sets for itself on a bound socket that others read, too.
  virtual void share(NativeSocket) noexcept {}

  // Makes a connected socket of the user's fit for a driver. Throws Error if it is none, and then
  // leaves it.
  virtual NativeSocket take_over(Socket&& socket) = 0;
  // Closes a socket that no driver took over.
  virtual void discard(NativeSocket socket) noexcept = 0;
  // Ends a connection that no driver took over.
  virtual void refuse(NativeSocket socket) noexcept { discard(socket); }

  virtual std::unique_ptr<Waker> make_waker() = 0;
  virtual std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) = 0;
  // Turns each until it ends: the first on the caller's thread. Throws when a thread cannot be had:
  // `abandon` is called first and must make those that run end.
  virtual void run(std::span<Runner* const> runners, const std::function<void()>& abandon) = 0;

  // Looks the host of a tcp address up, off the loops: calls `done` once, on any thread, perhaps
  // inside this call; never if the platform dies first. When the question dies the answer may be
  // left out, and need not be looked for.
  virtual ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done) = 0;

  // Tells whoever looks after the process of an exception that nobody handled; may leave lines out.
  // Any thread.
  virtual void report(std::string_view line) noexcept = 0;

  virtual Duration now() = 0;  // as Driver::now
  virtual std::uint64_t random() = 0;
  virtual int hardware_threads() = 0;
  // SIGINT and SIGTERM stop `target`, a second one at once, until what is returned dies. Throws
  // Error if some server of this process has them already.
  virtual std::shared_ptr<void> catch_signals(Stoppable& target) = 0;
};

// The platform of this machine, with the backend asked for (or EVIO_BACKEND's, or the best). Throws
// Error if it cannot be had.
std::unique_ptr<Platform> make_platform(Backend backend);

}}}  // namespace evio::v0::detail

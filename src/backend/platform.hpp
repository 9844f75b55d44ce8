// The platform's interface: where a server gets its sockets, drivers, threads, clock and random
// numbers. driver.hpp is the other interface between the library and the system.
//
// A platform serves one server. It must provide:
//
// - bound sockets, and the cleanup of what binding leaves in the file system;
// - a driver and a waker for each loop;
// - the threads that run the loops;
// - name resolution;
// - the clock and random numbers;
// - signals that stop the server.
//
// The code above this interface starts no thread, reads no clock and draws no random number by any
// other means. For this reason a simulated platform makes whole servers deterministic.
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

// A bound socket, with its actual address (port 0 is replaced by the port that the kernel chose).
struct Bound {
  NativeSocket socket;
  Address address;
  // The device and inode of a unix socket's file. The file is removed only if both still match, as
  // another server may have replaced it.
  std::uint64_t file_device = 0;
  std::uint64_t file_inode = 0;
  // Another process made the socket, and may still have it.
  bool inherited = false;
};

// The result of resolving a name.
struct Resolved {
  std::vector<Address> addresses;
  std::error_code error;
};

// A name resolution in progress. Destroying it abandons the request. It may be null.
using ResolveHandle = std::shared_ptr<const void>;

// What a platform runs on a thread: a loop.
class Runner {
 public:
  // Empty if the thread keeps the name that it has: loop 0 runs on the caller's thread.
  virtual const std::string& thread_name() const noexcept = 0;
  // Handles one batch of events. False once the loop has ended.
  virtual bool run_once() = 0;

 protected:
  ~Runner() = default;
};

// What a signal stops: a server. Both functions are async-signal-safe.
class Stoppable {
 public:
  virtual void stop() noexcept = 0;
  virtual void stop_now() noexcept = 0;

 protected:
  ~Stoppable() = default;
};

// The system as one server sees it. Implemented by PosixPlatform and SimulatedPlatform.
class Platform {
 public:
  virtual ~Platform() = default;

  // Binds a socket; if the address is that of a stream, it listens. Throws Error, and then nothing
  // stays bound.
  virtual Bound bind(const Address& address, bool reuseport, int backlog,
                     const Options& options) = 0;
  // The server begins to run, in this process (a fork may lie between bind() and start()).
  virtual void start() {}
  // Called before a socket is closed that was not passed on to a successor. Refuses new connections
  // from now on, and removes the socket's file. It does neither if a fork copied the server before
  // it ran: other processes may serve the same socket.
  virtual void retire(const Bound& bound) noexcept = 0;
  // Called after the socket was closed. Removes the socket's file if no other process has the
  // socket.
  virtual void retired(const Bound&) noexcept {}
  // Takes over a bound socket that another process or library made. Throws Error if it is not a
  // bound socket.
  virtual Bound inherit(Socket socket, int backlog, const Options& options) = 0;
  // Makes another descriptor of a bound socket, for a successor.
  virtual Socket duplicate(NativeSocket socket) = 0;
  // Resets the options that a driver sets on a bound socket for itself, because a successor now
  // reads from the same socket and does not expect them.
  virtual void share(NativeSocket) noexcept {}

  // Prepares a connected socket of the user's for a driver. Throws Error if it is not a connected
  // stream socket; the user then still owns it.
  virtual NativeSocket take_over(Socket&& socket) = 0;
  // Closes a socket that no driver took over.
  virtual void discard(NativeSocket socket) noexcept = 0;
  // Ends an accepted connection that no driver took over.
  virtual void refuse(NativeSocket socket) noexcept { discard(socket); }

  virtual std::unique_ptr<Waker> make_waker() = 0;
  virtual std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) = 0;
  // Calls run_once() of each runner until it returns false: the first on the caller's thread, each
  // other one on a thread of its own. If a thread cannot be created, it calls `abandon`, which must
  // make the running ones end, waits for these, and throws.
  virtual void run(std::span<Runner* const> runners, const std::function<void()>& abandon) = 0;

  // Resolves the host of an address without blocking the loop. Calls `done` once, on any thread,
  // possibly inside this call. It is not called once the platform is destroyed. After the returned
  // handle is destroyed, the platform may skip the resolution and the call.
  virtual ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done) = 0;

  // Writes a line about an unhandled exception to the process's log (stderr). It may omit lines, so
  // that a flood of exceptions does not flood the log. Any thread.
  virtual void report(std::string_view line) noexcept = 0;

  virtual Duration now() = 0;  // the same clock as Driver::now
  virtual std::uint64_t random() = 0;
  virtual int hardware_threads() = 0;
  // From now on SIGINT and SIGTERM stop `target`; a second signal stops it at once. This lasts
  // until the returned object is destroyed. Throws Error if another server of this process handles
  // these signals already.
  virtual std::shared_ptr<void> catch_signals(Stoppable& target) = 0;
};

// Makes the platform of this machine with the requested backend. Backend::automatic takes the one
// that the environment variable EVIO_BACKEND names, else the best available one. Throws Error if
// that backend is not available.
std::unique_ptr<Platform> make_platform(Backend backend);

}}}  // namespace evio::v0::detail

// Makes an outgoing connection: resolves the name, and tries its addresses.
#pragma once

#include <evio/address.hpp>
#include <evio/options.hpp>
#include <evio/timer.hpp>
#include <system_error>
#include <vector>

#include "backend/driver.hpp"
#include "backend/platform.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Connection;
class LoopCore;

// "Happy Eyeballs" (RFC 8305): IPv6 and IPv4 addresses alternate; another attempt begins when the
// last one has failed or has taken 250 ms; the first attempt that succeeds is used. Its destructor
// abandons the name resolution and the remaining attempts.
class Connector {
 public:
  Connector(LoopCore& loop, Connection& connection, const Address& to, const Options& options);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();

  // Begins with the name resolution or the first attempt.
  void start();
  // The answer of the name resolution has arrived.
  void resolved(const Resolved& found);
  // One of its attempts has ended. These may destroy this object.
  void connected(ConnectId id, NativeSocket socket);
  void failed(ConnectId id, std::error_code error);

 private:
  struct Attempt {
    ConnectId id;
    Address to;
  };

  void try_next();
  void try_again(const Address& to);
  void forget(ConnectId id) noexcept;

  LoopCore& loop_;
  Connection& connection_;
  const Address to_;
  const Options& options_;
  ResolveHandle question_;
  std::vector<Address> untried_;  // in reverse order: the next one is at the end
  std::vector<Attempt> attempts_;
  std::error_code error_;  // of the first attempt that failed
  Timer next_;             // begins the next attempt
  Duration retry_delay_ = std::chrono::milliseconds(1);
};

}}}  // namespace evio::v0::detail

// How a connection of our own making comes to be: its name is looked up, and its addresses
// are tried.
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

// As RFC 8305 says: the families take turns, a further attempt begins when the last one failed or
// has taken a while, and the first that succeeds wins. Dies with the look-up, or the attempts that
// are left.
class Connector {
 public:
  Connector(LoopCore& loop, Connection& connection, const Address& to, const Options& options);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();

  void start();
  void resolved(const Resolved& found);
  // One of its attempts is over. Afterwards this object may be gone.
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
  std::vector<Address> untried_;  // the next one is the last
  std::vector<Attempt> attempts_;
  std::error_code error_;  // of the first that failed
  Timer next_;
  Duration retry_delay_ = std::chrono::milliseconds(1);
};

}}}  // namespace evio::v0::detail

// Private. How a connection of our own making comes to be: its name is looked up, and its addresses are tried.
#pragma once

#include <evio/address.hpp>
#include <evio/options.hpp>
#include <evio/timer.hpp>
#include <system_error>
#include <vector>

#include "backend/driver.hpp"
#include "backend/platform.hpp"

namespace evio::inline v1 {

class Connection;
class LoopCore;

// As RFC 8305 says: the families take turns, a further attempt begins when the last one failed or has taken a while,
// and the first that succeeds wins. Dies with the look-up, or the attempts that are left.
class Dialer {
 public:
  Dialer(LoopCore& loop, Connection& connection, const Address& to, const Options& options);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  ~Dialer();

  void start();
  void resolved(const Resolved& found);
  // One of its attempts is over. Afterwards this object may be gone.
  void connected(Dial dial, NativeSocket socket);
  void failed(Dial dial, std::error_code error);

 private:
  struct Attempt {
    Dial dial;
    Address to;
  };

  void try_next();
  void try_again(const Address& to);
  void forget(Dial dial) noexcept;

  LoopCore& loop_;
  Connection& connection_;
  const Address to_;
  const Options& options_;
  Question question_;
  std::vector<Address> untried_;  // the next one is the last
  std::vector<Attempt> attempts_;
  std::error_code error_;  // of the first that failed
  Timer next_;
  Duration retry_delay_ = std::chrono::milliseconds(1);
};

}  // namespace evio::inline v1

// Sends datagrams, many in one system call. They are copied into a batch, which is sent when it is
// full or flushed.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <utility>

#include "backend/driver.hpp"
#include "backend/posix/datagram_port.hpp"

namespace evio { inline namespace v0 { namespace detail {

class DatagramSender {
 public:
  // Adds a datagram with the source address datagram.from. Datagrams to one peer are sent in order.
  // False if the datagram is too large, or its address does not fit the socket.
  bool add(const DatagramPort& port, const Datagram& datagram);
  void flush() noexcept;
  bool empty() const noexcept { return count_ == 0; }

  // The results since the last call.
  DatagramTally take_tally() noexcept;
  // Whether the peer's host has reported, since the last call, that the peer's port is closed.
  bool take_refused() noexcept { return std::exchange(refused_, false); }

 private:
  static constexpr unsigned runs_max = 64;
  static constexpr unsigned datagrams_max = 256;
  static constexpr std::size_t room = 256 << 10;

  // Datagrams from one address to another, which are sent as one message. The kernel splits it, so
  // all have the same size, except the last one, which may be smaller.
  struct Run {
    sockaddr_in6 to;  // or a sockaddr_in
    Address::Ip from;
    std::uint32_t from_scope;
    std::size_t segment_size;
    std::size_t size;
    unsigned datagrams;
    bool complete;  // its last datagram is smaller, so no other can follow
    alignas(cmsghdr) char control[datagram_control_size];
  };
  struct Queued {
    unsigned run;
    std::size_t size;
  };

  unsigned run_for(const DatagramPort& port, const sockaddr_storage& to, socklen_t to_size,
                   const Datagram& datagram);
  bool fits(const Run& run, const Datagram& datagram) const noexcept;
  void lay_out() noexcept;
  void count_sent(const Run& run) noexcept;
  void refused(unsigned index, int error) noexcept;
  void send_one_by_one(unsigned index) noexcept;

  int fd_ = -1;  // the socket of the datagrams in the batch
  std::unique_ptr<char[]> memory_;
  std::size_t used_ = 0;
  unsigned count_ = 0;
  unsigned run_count_ = 0;
  std::size_t largest_segment_ = 64 << 10;  // reduced when the kernel rejects larger segments
  std::array<Queued, datagrams_max> queued_;
  std::array<Run, runs_max> runs_;
  std::array<iovec, datagrams_max> pieces_;
  std::array<mmsghdr, runs_max> messages_{};
  DatagramTally tally_;
  bool refused_ = false;
};

}}}  // namespace evio::v0::detail

// Sends datagrams, many to a system call: copied into a batch, which leaves when it is
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
  // Leaves from datagram.from. False: no such datagram can be sent. Those to one peer keep their
  // order.
  bool add(const DatagramPort& port, const Datagram& datagram);
  void flush() noexcept;
  bool empty() const noexcept { return count_ == 0; }

  // What became of them since this was asked last.
  DatagramTally take_tally() noexcept;
  // Whether a connected peer's host told, since this was asked last, that nobody receives there.
  bool take_refused() noexcept { return std::exchange(refused_, false); }

 private:
  static constexpr unsigned runs_max = 64;
  static constexpr unsigned datagrams_max = 256;
  static constexpr std::size_t room = 256 << 10;

  // Datagrams from one address to another, all of one size but the last, which may be smaller: one
  // message, which the kernel cuts.
  struct Run {
    sockaddr_in6 to;  // or a sockaddr_in
    Address::Ip from;
    std::uint32_t from_scope;
    std::size_t segment_size;
    std::size_t size;
    unsigned datagrams;
    bool complete;  // by a smaller one
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

  int fd_ = -1;  // of those in the batch
  std::unique_ptr<char[]> memory_;
  std::size_t used_ = 0;
  unsigned count_ = 0;
  unsigned run_count_ = 0;
  std::size_t largest_segment_ = 64 << 10;  // that the kernel was not seen to refuse
  std::array<Queued, datagrams_max> queued_;
  std::array<Run, runs_max> runs_;
  std::array<iovec, datagrams_max> pieces_;
  std::array<mmsghdr, runs_max> messages_{};
  DatagramTally tally_;
  bool refused_ = false;
};

}}}  // namespace evio::v0::detail

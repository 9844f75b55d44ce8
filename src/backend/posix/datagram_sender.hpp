// Private. Sends datagrams, many to a system call: copied into a batch, which leaves when it is full or flushed.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "backend/driver.hpp"
#include "backend/posix/datagram_port.hpp"

namespace evio::inline v1 {

class DatagramSender {
 public:
  // Leaves from datagram.from. False: no such datagram can be sent.
  bool add(const DatagramPort& port, const Datagram& datagram);
  void flush() noexcept;
  bool empty() const noexcept { return count_ == 0; }

  // What became of them since this was asked last.
  DatagramTally take_tally() noexcept;

 private:
  static constexpr unsigned batch = 64;
  static constexpr std::size_t room = 256 << 10;
  static constexpr std::size_t largest_ip4 = 65'507;
  static constexpr std::size_t largest_ip6 = 65'527;

  // Datagrams from one address to another, all of one size but the last, which may be smaller: one message, which the
  // kernel cuts.
  struct Run {
    sockaddr_in6 to;  // or a sockaddr_in
    Address::Ip from;
    std::uint32_t from_scope;
    std::size_t segment_size;
    unsigned datagrams;
    bool complete;  // by a smaller one
    iovec piece;
    alignas(cmsghdr) char control[datagram_control_size];
  };

  bool extends_last(const sockaddr_storage& to, socklen_t to_size, const Datagram& datagram) const noexcept;
  void begin_run(const DatagramPort& port, const sockaddr_storage& to, socklen_t to_size, const Datagram& datagram);
  void count_sent(const Run& run) noexcept;
  void refused(unsigned index, int error) noexcept;
  void send_one_by_one(unsigned index) noexcept;

  int fd_ = -1;  // of those in the batch
  std::unique_ptr<char[]> memory_;
  std::size_t used_ = 0;
  unsigned count_ = 0;
  std::size_t largest_segment_ = 64 << 10;  // that the kernel was not seen to refuse
  std::array<Run, batch> runs_;
  std::array<mmsghdr, batch> messages_{};
  DatagramTally tally_;
};

}  // namespace evio::inline v1

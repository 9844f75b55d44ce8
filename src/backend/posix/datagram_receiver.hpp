// Receives datagrams, many in one system call.
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <utility>

#include "backend/driver.hpp"
#include "backend/posix/datagram_port.hpp"

namespace evio { inline namespace v0 { namespace detail {

class DatagramReceiver {
 public:
  // The number of messages in one call. One message may contain many datagrams of one sender.
  static constexpr unsigned batch = 32;

  DatagramReceiver();

  // Receives waiting messages and returns their number. If it is less than `batch`, no more wait.
  unsigned receive(const DatagramPort& port) noexcept;
  // Whether the peer's host has reported, since the last call, that the peer's port is closed.
  bool take_refused() noexcept { return std::exchange(refused_, false); }
  // Calls `fn` with each datagram of the message until it returns false.
  template <class Fn>
  bool deliver(const DatagramPort& port, unsigned message, Fn&& fn);

 private:
  static constexpr std::size_t largest = 64 << 10;  // the largest message

  // Not initialised: a page takes no physical memory until something is received into it.
  const std::unique_ptr<char[]> memory_ = std::make_unique_for_overwrite<char[]>(batch * largest);
  std::array<mmsghdr, batch> messages_{};
  std::array<iovec, batch> pieces_{};
  std::array<sockaddr_storage, batch> senders_;
  struct Control {
    alignas(cmsghdr) char bytes[datagram_control_size];
  };
  std::array<Control, batch> controls_;
  bool refused_ = false;
};

Address sender_of(const DatagramPort& port, const msghdr& message);

template <class Fn>
bool DatagramReceiver::deliver(const DatagramPort& port, unsigned message, Fn&& fn) {
  mmsghdr& from = messages_[message];
  const Address sender = sender_of(port, from.msg_hdr);
  const DatagramControl control = read_control(port, from.msg_hdr);
  std::string_view rest(memory_.get() + message * largest, from.msg_len);
  do {
    const std::string_view bytes =
        rest.substr(0, control.segment_size ? control.segment_size : rest.size());
    rest.remove_prefix(bytes.size());
    if (!fn(Datagram{.from = sender, .to = control.to, .bytes = bytes})) return false;
  } while (!rest.empty());
  return true;
}

}}}  // namespace evio::v0::detail

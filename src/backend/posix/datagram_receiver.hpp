// Receives datagrams, many to a system call.
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
  // Messages to a call; one may be many datagrams of one sender.
  static constexpr unsigned batch = 32;

  DatagramReceiver();

  // What waits; how many messages that is. Fewer than `batch`: nothing more waits.
  unsigned receive(const DatagramPort& port) noexcept;
  // Whether a connected peer's host told, since this was asked last, that nobody receives there.
  bool take_refused() noexcept { return std::exchange(refused_, false); }
  // Gives each datagram of the message to `fn` until that returns false.
  template <class Fn>
  bool deliver(const DatagramPort& port, unsigned message, Fn&& fn);

 private:
  static constexpr std::size_t largest = 64 << 10;  // a datagram, or several in one message

  // Its pages are the kernel's until something is received into them.
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

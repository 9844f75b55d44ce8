// Private. What other threads send to a loop.
#pragma once

#include <cstddef>
#include <memory>

namespace evio::inline v1 {

class LoopCore;

// One message. Delivered on the loop's thread, or destroyed undelivered on any thread. Its memory goes round between
// those who send and those who receive: in steady traffic nothing is allocated.
struct Mail {
  static constexpr std::size_t small_size = 128, large_size = 1024;  // of those whose memory goes round

  Mail() = default;
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;
  virtual ~Mail() = default;
  virtual void deliver(LoopCore& loop) = 0;
  // Delivered or not, nobody holds it any more: most are deleted.
  virtual void done() noexcept { delete this; }

  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size) noexcept;

  Mail* next = nullptr;
};

struct DoneWithMail {
  DoneWithMail() = default;
  template <class T>
  DoneWithMail(std::default_delete<T>) noexcept {}  // NOLINT(google-explicit-constructor): of make_unique
  void operator()(Mail* mail) const noexcept { mail->done(); }
};
using MailPointer = std::unique_ptr<Mail, DoneWithMail>;

}  // namespace evio::inline v1

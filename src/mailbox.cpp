#include "mailbox.hpp"

#include <utility>

namespace evio::inline v1 {

namespace {

struct Closed final : Mail {
  void deliver(LoopCore&) override {}
};
Closed closed_mark;  // stands in head_ of a closed mailbox
Mail* const closed = &closed_mark;

}  // namespace

Mailbox::~Mailbox() { discard(); }

bool Mailbox::push(MailPointer mail) {
  Mail* head = head_.load(std::memory_order_relaxed);
  do {
    if (head == closed) return false;
    mail->next = head;
  } while (!head_.compare_exchange_weak(head, mail.get(), std::memory_order_seq_cst, std::memory_order_relaxed));
  mail.release();
  // Sequentially consistent with prepare_to_sleep: either the receiver sees the mail or this sees that it sleeps. The
  // load keeps the exchange, and its cache line, out of the way while the receiver is awake.
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_seq_cst)) wake();
  return true;
}

void Mailbox::wake() noexcept {
  waking_.fetch_add(1, std::memory_order_seq_cst);
  if (Waker* waker = published_.load(std::memory_order_seq_cst)) waker->wake();
  waking_.fetch_sub(1, std::memory_order_release);
}

void Mailbox::set_waker(std::unique_ptr<Waker> waker) {
  const std::unique_ptr<Waker> old = std::exchange(waker_, std::move(waker));
  published_.store(waker_.get(), std::memory_order_seq_cst);
}

// A signal handler may be in wake(): so no lock, but a wait of a few instructions.
void Mailbox::drop_waker() noexcept {
  published_.store(nullptr, std::memory_order_seq_cst);
  while (waking_.load(std::memory_order_acquire) > 0) {
  }
  waker_.reset();
}

Mail* Mailbox::take() noexcept {
  if (empty()) return nullptr;
  return in_order(head_.exchange(nullptr, std::memory_order_acquire));
}

Mail* Mailbox::close() noexcept {
  Mail* newest = head_.exchange(closed, std::memory_order_acq_rel);
  return newest == closed ? nullptr : in_order(newest);
}

void Mailbox::discard() noexcept {
  for (Mail* mail = close(); mail;) std::exchange(mail, mail->next)->done();
}

bool Mailbox::prepare_to_sleep() noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (head_.load(std::memory_order_seq_cst) == nullptr) return true;
  awake();
  return false;
}

Mail* Mailbox::in_order(Mail* newest) noexcept {
  Mail* oldest = nullptr;
  while (newest) {
    Mail* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

}  // namespace evio::inline v1

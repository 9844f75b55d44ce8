// Threads that do what may wait for a disk.
#include "protocol/http/file_threads.hpp"

#include <utility>

namespace evio::inline v1::http {

FileThreads::~FileThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void FileThreads::run(Handler<void()> job) {
  if (wanted_ <= 0) return job();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (idle_ == 0 && threads_.size() < static_cast<std::size_t>(wanted_)) threads_.emplace_back([this] { work(); });
  }
  changed_.notify_one();
}

void FileThreads::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    --idle_;
    if (ending_) return;
    Handler<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = {};
    lock.lock();
  }
}

}  // namespace evio::inline v1::http

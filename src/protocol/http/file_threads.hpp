// Private. Threads that do what may wait for a disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <evio/handler.hpp>
#include <mutex>
#include <thread>
#include <vector>

namespace evio::inline v1::http {

/// Runs jobs, the eldest first. All calls from any thread.
class FileThreads {
 public:
  /// With no threads the caller of run does the job.
  explicit FileThreads(int threads) noexcept : wanted_(threads) {}
  FileThreads(const FileThreads&) = delete;
  /// Ends when the jobs that run have ended; those that wait are dropped.
  ~FileThreads();

  void run(Handler<void()> job);

 private:
  void work();

  const int wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Handler<void()>> jobs_;
  std::vector<std::thread> threads_;
  int idle_ = 0;
  bool ending_ = false;
};

}  // namespace evio::inline v1::http

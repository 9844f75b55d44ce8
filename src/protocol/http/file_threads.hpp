// Threads for operations that may wait for a disk.
#pragma once

#include <evio/callback.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace http {

/// A thread pool that runs jobs in the order of run(). The threads start when they are first
/// needed. All functions may be called on any thread.
class FileThreads {
 public:
  /// With 0 threads run() does the job itself, on the caller's thread: a simulation must not start
  /// threads.
  explicit FileThreads(int threads);
  FileThreads(const FileThreads&) = delete;
  /// Waits for the jobs that run and drops those that wait. In a forked child it waits for nothing,
  /// because fork(2) does not copy the threads.
  ~FileThreads();

  /// Queues a job.
  void run(Callback<void()> job);

 private:
  struct State;
  static void work(State& state);

  std::unique_ptr<State> state_;
};

}}}  // namespace evio::v0::http

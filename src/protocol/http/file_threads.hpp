// Threads that do what may wait for a disk.
#pragma once

#include <evio/callback.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace http {

/// Runs jobs, the eldest first. All calls from any thread.
class FileThreads {
 public:
  /// With no threads the caller of run does the job.
  explicit FileThreads(int threads);
  FileThreads(const FileThreads&) = delete;
  /// Ends when the jobs that run have ended; those that wait are dropped. In a child that was
  /// forked there is nobody to wait for.
  ~FileThreads();

  void run(Callback<void()> job);

 private:
  struct State;
  static void work(State& state);

  std::unique_ptr<State> state_;
};

}}}  // namespace evio::v0::http

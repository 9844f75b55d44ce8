// Threads for operations that may wait for a disk.
#include "protocol/http/file_threads.hpp"

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace http {

struct FileThreads::State {
  explicit State(int threads_wanted) noexcept : wanted(threads_wanted) {}

  const int wanted;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Callback<void()>> jobs;
  std::vector<std::thread> threads;
  pid_t threads_of = 0;  // the process that they run in
  int idle = 0;
  bool ending = false;
};

FileThreads::FileThreads(int threads) : state_(std::make_unique<State>(threads)) {}

// In a forked child the state is leaked: destroying its condition variable would wait for the
// threads that wait for it, and these exist in the parent only.
FileThreads::~FileThreads() {
  if (state_->threads_of != 0 && state_->threads_of != ::getpid()) {
    state_.release();  // NOLINT(bugprone-unused-return-value)
    return;
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->jobs.clear();
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void FileThreads::run(Callback<void()> job) {
  State& state = *state_;
  if (state.wanted <= 0) return job();
  {
    const std::lock_guard lock(state.mutex);
    state.jobs.push_back(std::move(job));
    if (state.idle == 0 && state.threads.size() < static_cast<std::size_t>(state.wanted)) {
      state.threads.emplace_back([&state] { work(state); });
      state.threads_of = ::getpid();
    }
  }
  state.changed.notify_one();
}

void FileThreads::work(State& state) {
  std::unique_lock lock(state.mutex);
  for (;;) {
    ++state.idle;
    state.changed.wait(lock, [&state] { return state.ending || !state.jobs.empty(); });
    --state.idle;
    if (state.ending) return;
    Callback<void()> job = std::move(state.jobs.front());
    state.jobs.pop_front();
    lock.unlock();
    job();
    job = {};  // without the lock: a destructor of the job's captures may call run()
    lock.lock();
  }
}

}}}  // namespace evio::v0::http

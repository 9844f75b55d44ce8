#include "backend/posix/resolver.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "backend/posix/process.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr int threads_max = 64;
constexpr auto idle_time = std::chrono::seconds(5);
constexpr auto patience_at_the_end = std::chrono::milliseconds(200);

struct Job {
  const Address name;
  const std::function<void(Resolved)> done;
};

}  // namespace

struct Resolver::State {
  explicit State(LookUp how) : look_up(std::move(how)) {}

  const LookUp look_up;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::weak_ptr<const Job>> jobs;  // abandoned ones have expired, and are skipped
  Maker threads_of;                           // the process in which the threads run
  int threads = 0;
  int idle = 0;
  bool closed = false;
};

Resolver::Resolver(LookUp look_up) : state_(std::make_shared<State>(std::move(look_up))) {}

// In a forked child the threads do not exist, and the mutex may be locked for ever. So the state is
// leaked there.
Resolver::~Resolver() {
  if (!state_->threads_of.is_this_process()) {
    new std::shared_ptr<State>(state_);
    return;
  }
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  state_->jobs.clear();
  state_->changed.notify_all();
  state_->changed.wait_for(lock, patience_at_the_end, [this] { return state_->threads == 0; });
}

// Starts a thread if no idle one is left for the job. If no thread can be started, the job fails at
// once, unless an existing thread can run it.
ResolveHandle Resolver::resolve(const Address& name, std::function<void(Resolved)> done) {
  auto job = std::make_shared<const Job>(Job{name, std::move(done)});
  const std::lock_guard lock(state_->mutex);
  state_->threads_of = {};
  state_->jobs.push_back(job);
  state_->changed.notify_one();
  if (state_->idle >= static_cast<int>(state_->jobs.size()) || state_->threads == threads_max)
    return job;
  try {
    std::thread([state = state_] { work(state); }).detach();
    ++state_->threads;
  } catch (const std::system_error& error) {
    if (state_->threads > 0) return job;  // an existing thread will run it later
    state_->jobs.pop_back();
    job->done({.addresses = {}, .error = error.code()});
  }
  return job;
}

void Resolver::work(const std::shared_ptr<State>& state) {
  ::pthread_setname_np(::pthread_self(), "evio-resolve");
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait_for(lock, idle_time, [&] { return state->closed || !state->jobs.empty(); });
    --state->idle;
    if (state->jobs.empty()) break;
    const std::weak_ptr<const Job> asked = std::move(state->jobs.front());
    state->jobs.pop_front();
    std::shared_ptr<const Job> job = asked.lock();
    if (!job) continue;
    const Address name = job->name;
    job.reset();
    lock.unlock();
    Resolved found = state->look_up(name);
    lock.lock();
    job = asked.lock();
    // Called with the mutex locked, so that the platform cannot be destroyed meanwhile.
    if (job && !state->closed) job->done(std::move(found));
  }
  --state->threads;
  state->changed.notify_all();
}

}}}  // namespace evio::v0::detail

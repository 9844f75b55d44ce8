#include "backend/posix/resolver.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "backend/posix/socket.hpp"

namespace evio::inline v1 {

namespace {

constexpr int threads_max = 4;
constexpr auto idle_time = std::chrono::seconds(5);
constexpr auto patience_at_the_end = std::chrono::milliseconds(200);

Resolved look_up(const Address& name) {
  Resolved found;
  found.addresses = look_up_all(name, found.error);
  return found;
}

}  // namespace

struct Resolver::State {
  struct Job {
    Address name;
    std::function<void(Resolved)> done;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  int threads = 0;
  int idle = 0;
  bool closed = false;
};

Resolver::Resolver() : state_(std::make_shared<State>()) {}

Resolver::~Resolver() {
  std::deque<State::Job> unasked;
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  unasked.swap(state_->jobs);
  state_->changed.notify_all();
  state_->changed.wait_for(lock, patience_at_the_end, [this] { return state_->threads == 0; });
}

void Resolver::resolve(const Address& name, std::function<void(Resolved)> done) {
  const std::lock_guard lock(state_->mutex);
  state_->jobs.push_back({name, std::move(done)});
  state_->changed.notify_one();
  if (state_->idle >= static_cast<int>(state_->jobs.size()) || state_->threads == threads_max) return;
  try {
    std::thread([state = state_] { work(state); }).detach();
    ++state_->threads;
  } catch (const std::system_error& error) {
    if (state_->threads > 0) return;  // those that there are will come to it
    const auto job = std::move(state_->jobs.back());
    state_->jobs.pop_back();
    job.done({.addresses = {}, .error = error.code()});
  }
}

void Resolver::work(const std::shared_ptr<State>& state) {
  ::pthread_setname_np(::pthread_self(), "evio-resolve");
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait_for(lock, idle_time, [&] { return state->closed || !state->jobs.empty(); });
    --state->idle;
    if (state->jobs.empty()) break;
    State::Job job = std::move(state->jobs.front());
    state->jobs.pop_front();
    lock.unlock();
    Resolved found = look_up(job.name);
    lock.lock();
    if (!state->closed) job.done(std::move(found));  // under the lock: not while or after the platform dies
    job.done = nullptr;
  }
  --state->threads;
  state->changed.notify_all();
}

}  // namespace evio::inline v1

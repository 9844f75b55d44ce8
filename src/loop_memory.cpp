// The memory that a loop holds for input and output, and what the loop does under memory pressure,
// that is, while all loops together hold more than Limits::memory_max.
#include <utility>

#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

void LoopCore::publish_gauges() {
  counters_.output_pending.set(pool_.pending);
  counters_.output_held.set(pool_.held);
  counters_.input_held.set(held_input_);
  counters_.timers.set(timers_->size());
  if (held() != published_held_ || pressure_) publish_held();
}

// All loops add to one total, so only the difference is passed on.
void LoopCore::publish_held() {
  if (held_step_ > 0) publish_above_ = held() + held_step_;
  server_.hold(static_cast<std::ptrdiff_t>(held() - std::exchange(published_held_, held())));
}

// Any thread. The task is a member of the loop and can be queued only once at a time.
void LoopCore::notify_reevaluate() noexcept {
  if (!reevaluate_task_.sent.exchange(true)) tasks_->push(TaskPointer(&reevaluate_task_));
}

void LoopCore::ReevaluateTask::run_on(LoopCore& loop) {
  sent.store(false);
  loop.reevaluate();
}

void LoopCore::reevaluate() {
  update_pressure();
  acceptor_.reevaluate();
}

// Under pressure nothing is read and nothing is accepted, on all loops, until memory is released.
void LoopCore::update_pressure() {
  const bool pressure = server_.under_pressure();
  if (std::exchange(pressure_, pressure) == pressure) return;
  acceptor_.set_pressure(pressure_);
  if (pressure_) {
    counters_.memory_pauses.add(connections_.size());
    trace(Trace::What::limit_reached, [](Trace& trace) { trace.message = "Limits::memory_max"; });
  }
  each([](Connection& connection) { connection.reading_may_have_changed(); });
}

}}}  // namespace evio::v0::detail

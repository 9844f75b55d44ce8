#include "simulation/borrowed.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

template <class R, class... Args>
Callback<R(Args...)> borrowed(const Callback<R(Args...)>& from) {
  if (!from) return {};
  return [&from](Args... args) -> R { return from(std::forward<Args>(args)...); };
}

Balance borrowed(const Balance& from) {
  if (!from.function()) return from.strategy();
  return [&from](std::span<const LoopLoad> loads, const Address& peer) {
    return from.function()(loads, peer);
  };
}

}  // namespace

// The structured binding names every field, so that it does not compile when a field is added and
// forgotten here.
Events borrowed(const Events& from) {
  const auto& [loops, balance, backend, busy_poll, limits, options, codec, handle_signals, serving,
               loop_started, opened, data, drained, ended, draining, closed, detached, failed,
               pre_write, tick, loop_stopped, trace] = from;
  return {.loops = loops,
          .balance = borrowed(balance),
          .backend = backend,
          .busy_poll = busy_poll,
          .limits = limits,
          .options = options,
          .codec = codec,
          .handle_signals = handle_signals,
          .serving = borrowed(serving),
          .loop_started = borrowed(loop_started),
          .opened = borrowed(opened),
          .data = borrowed(data),
          .drained = borrowed(drained),
          .ended = borrowed(ended),
          .draining = borrowed(draining),
          .closed = borrowed(closed),
          .detached = borrowed(detached),
          .failed = borrowed(failed),
          .pre_write = borrowed(pre_write),
          .tick = borrowed(tick),
          .loop_stopped = borrowed(loop_stopped),
          .trace = borrowed(trace)};
}

}}}  // namespace evio::v0::detail

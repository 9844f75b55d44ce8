// How the driver of this thread is notified of input: once (edge-triggered), or as long as some is
// there.
#pragma once

namespace evio::test::faults {

/// Whether the kernel reports an arrival only once: then EAGAIN or a short result must not be
/// injected.
inline bool& reported_once() {
  static thread_local bool once = false;
  return once;
}

}  // namespace evio::test::faults

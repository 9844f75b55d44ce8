// How the driver of this thread learns that there is something to read.
#pragma once

namespace evio::test::faults {

/// Whether its kernel tells an arrival just once, so that it may not be told of nothing, or of a
/// part, instead.
inline bool& told_once() {
  static thread_local bool once = false;
  return once;
}

}  // namespace evio::test::faults

// OwnerThread: the message before the program stops.
#include "owner_thread.hpp"

#ifndef NDEBUG
#include <cstdio>
#include <cstdlib>

namespace evio { inline namespace v0 { namespace detail {

void OwnerThread::stop(const char* what) noexcept {
  std::fprintf(stderr, "evio: a thread that is not the loop's own called a %s\n", what);
  std::abort();
}

}}}  // namespace evio::v0::detail
#endif

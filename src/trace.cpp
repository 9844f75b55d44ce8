// The names of trace events.
#include <evio/trace.hpp>

namespace evio { inline namespace v0 {

std::string_view name_of(Trace::What what) noexcept {
  switch (what) {
    case Trace::What::accept_failed:
      return "accept_failed";
    case Trace::What::accepting_rests:
      return "accepting_rests";
    case Trace::What::refused:
      return "refused";
    case Trace::What::closed:
      return "closed";
    case Trace::What::exception:
      return "exception";
    case Trace::What::limit_reached:
      return "limit_reached";
    case Trace::What::slow_batch:
      return "slow_batch";
    case Trace::What::lookup_failed:
      return "lookup_failed";
  }
  return "";
}

}}  // namespace evio::v0

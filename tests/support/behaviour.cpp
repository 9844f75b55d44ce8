#include "behaviour.hpp"

namespace evio::test {
namespace {

bool runs_here(Backend backend) {
  try {
    serve({.backend = backend, .serving = [] { return Action::shutdown; }}, "tcp://127.0.0.1:0");
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

const std::vector<Backend>& backends() {
  static const std::vector<Backend> offered = [] {
    std::vector<Backend> running;
    for (const Backend backend :
         {Backend::io_uring, Backend::epoll, Backend::kqueue, Backend::poll})
      if (runs_here(backend)) running.push_back(backend);
    return running;
  }();
  return offered;
}

std::vector<Setup> setups(std::vector<int> loops) {
  // Races occur between threads: where there are setups with several loops, a setup with one loop
  // shows ThreadSanitizer nothing more.
  if (finds_races && loops.size() > 1) std::erase(loops, 1);
  std::vector<Setup> all;
  for (const Backend backend : backends())
    for (const int count : loops) all.push_back({backend, count});
  return all;
}

std::string name_of(Backend backend) {
  switch (backend) {
    case Backend::automatic:
      return "automatic";
    case Backend::io_uring:
      return "io_uring";
    case Backend::epoll:
      return "epoll";
    case Backend::kqueue:
      return "kqueue";
    case Backend::poll:
      return "poll";
  }
  return "unknown";
}

std::string name_of(const testing::TestParamInfo<Setup>& info) {
  const int loops = info.param.loops;
  const std::string count = loops < 0 ? "hardware" : std::to_string(loops);
  return name_of(info.param.backend) + "_" + count + (loops == 1 ? "_loop" : "_loops");
}

}  // namespace evio::test

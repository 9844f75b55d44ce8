#include "backend/posix/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number of processors that a text "quota period" allows; 0: no limit.
double quotient(const std::string& quota_and_period) {
  std::istringstream in(quota_and_period);
  double quota = 0, period = 0;
  return in >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

double smaller(double a, double b) { return a > 0 && b > 0 ? std::min(a, b) : std::max(a, b); }

// The smallest quota of a group and all its parents. In a container the group's path may be outside
// of the mounted file system; then `base` itself is the group.
template <class Quota>
double smallest(const std::string& base, std::string path, Quota&& quota_at) {
  double least = quota_at(base);
  while (path.size() > 1) {
    least = smaller(least, quota_at(base + path));
    path.resize(path.rfind('/') == path.npos ? 0 : path.rfind('/'));
  }
  return least;
}

bool names_cpu(const std::string& controllers) {
  return (',' + controllers + ',').find(",cpu,") != std::string::npos;
}

// The number of processors in this thread's affinity mask; 0 if it is unknown.
int allowed() {
  constexpr int most = 8192;  // the largest NR_CPUS of Linux
  cpu_set_t* const set = CPU_ALLOC(most);
  if (!set) return 0;
  const std::size_t size = CPU_ALLOC_SIZE(most);
  const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
  CPU_FREE(set);
  return count;
}

}  // namespace

// A line is "number:controllers:path". Version 2 of control groups has a single one, "0::path".
double cpu_quota(const std::string& root, const std::string& groups) {
  double least = 0;
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      const auto version2 = [](const std::string& group) {
        return quotient(text_of(group + "/cpu.max"));
      };
      least = smaller(least, smallest(root, path, version2));
      least = smaller(least, smallest(root + "/unified", path, version2));
    } else if (names_cpu(controllers)) {
      const auto version1 = [](const std::string& group) {
        return quotient(text_of(group + "/cpu.cfs_quota_us") + ' ' +
                        text_of(group + "/cpu.cfs_period_us"));
      };
      least = smaller(least, smallest(root + '/' + controllers, path, version1));
      least = smaller(least, smallest(root + "/cpu", path, version1));
    }
  }
  return least;
}

int hardware_threads() {
  int count = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (const int own = allowed(); own > 0) count = std::min(count, own);
  const double quota = cpu_quota("/sys/fs/cgroup", text_of("/proc/self/cgroup"));
  if (quota > 0 && quota < count) count = static_cast<int>(std::ceil(quota));
  return std::max(count, 1);
}

}}}  // namespace evio::v0::detail

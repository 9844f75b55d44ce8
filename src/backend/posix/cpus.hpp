// How many processors this process may use.
#pragma once

#include <string>

namespace evio { inline namespace v0 { namespace detail {

/// The fewest of those that there are, that its affinity allows, and that its control group's quota
/// pays for (rounded up); 1 at least.
int hardware_threads();

/// What that quota comes to, in processors; 0 if there is none or it cannot be told. `root`: where
/// the control groups' file systems are; `groups`: the text of /proc/self/cgroup.
double cpu_quota(const std::string& root, const std::string& groups);

}}}  // namespace evio::v0::detail

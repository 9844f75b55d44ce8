// The number of processors that this process may use.
#pragma once

#include <string>

namespace evio { inline namespace v0 { namespace detail {

/// The minimum of: the processors of the machine, those that the affinity mask allows, and the
/// quota of the control group, rounded up. At least 1. In a container the quota is often much
/// smaller than the machine.
int hardware_threads();

/// The quota of the control group in processors; 0 if there is none or it is unknown. `root` is the
/// directory in which the control groups are mounted, `groups` the text of /proc/self/cgroup.
double cpu_quota(const std::string& root, const std::string& groups);

}}}  // namespace evio::v0::detail

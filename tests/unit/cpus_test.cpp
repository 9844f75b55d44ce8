#include "backend/posix/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace evio::test {

using namespace detail;
namespace {

namespace fs = std::filesystem;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = fs::temp_directory_path() / "evio-test-XXXXXX";
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { fs::remove_all(path_); }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

TEST(Cpus, CgroupV2QuotaIsTheSmallestOfAllAncestors) {
  const TemporaryDirectory root;
  EXPECT_EQ(cpu_quota(root.path(), "0::/a/b\n"), 0);
  write(root / "a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "0::/a/b\n"), 0);
  write(root / "a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "0::/a/b\n"), 2.5);
  write(root / "a/b/cpu.max", "100000 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "0::/a/b\n"), 1);
  EXPECT_EQ(cpu_quota(root.path(), "0::/a\n"), 2.5);
}

TEST(Cpus, AContainerSeesItsOwnGroupAtTheRoot) {
  const TemporaryDirectory root;
  write(root / "cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "0::/\n"), 1.5);
  EXPECT_EQ(cpu_quota(root.path(), "0::/elsewhere/outside\n"), 1.5);
}

TEST(Cpus, CgroupV1QuotaIsRead) {
  const TemporaryDirectory root;
  const std::string groups = "5:memory:/m\n4:cpu,cpuacct:/a\n3:cpuset:/c\n";
  write(root / "cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
  write(root / "cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_quota(root.path(), groups), 0);
  write(root / "cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(cpu_quota(root.path(), groups), 0.5);
}

TEST(Cpus, InvalidFilesMeanNoQuota) {
  const TemporaryDirectory root;
  write(root / "cpu.max", "some text");
  for (const char* groups : {"", "\n", "0", "0:", "0::", "::", "a:b:c"})
    EXPECT_EQ(cpu_quota(root.path(), groups), 0) << groups;
}

TEST(Cpus, TheAffinityIsRespected) {
  std::thread([] {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);  // of this thread
    EXPECT_EQ(hardware_threads(), 1);
  }).join();
  EXPECT_GE(hardware_threads(), 1);
}

}  // namespace
}  // namespace evio::test

#include "backend/posix/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace evio::test {

using namespace detail;
namespace {

using namespace std::chrono_literals;

// Lookups of names that begin with "slow" hang until they are released.
class Names {
 public:
  Resolved look_up(const Address& name) {
    const std::string host = name.host();
    if (host.starts_with("slow")) gate_.wait();
    const std::lock_guard lock(mutex_);
    asked_.insert(host);
    return {.addresses = {Address::parse("tcp://127.0.0.1:1")}, .error = {}};
  }
  void let_go() {
    if (!std::exchange(gone_, true)) open_.set_value();
  }
  bool asked(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return asked_.contains(host);
  }

 private:
  std::promise<void> open_;
  const std::shared_future<void> gate_{open_.get_future()};
  bool gone_ = false;
  std::mutex mutex_;
  std::set<std::string> asked_;
};

class Resolving : public testing::Test {
 protected:
  // Hanging lookups outlive the resolver, so they share the state that they use.
  std::shared_ptr<Names> names = std::make_shared<Names>();
  std::unique_ptr<Resolver> resolver = std::make_unique<Resolver>(
      [names = names](const Address& name) { return names->look_up(name); });
  std::vector<ResolveHandle> hung;

  ~Resolving() override { names->let_go(); }

  void hang(int count) {
    for (int i = 0; i < count; ++i)
      hung.push_back(resolver->resolve(Address::parse("tcp://slow" + std::to_string(i) + ":1"),
                                       [](const Resolved&) {}));
  }
};

TEST_F(Resolving, HangingLookupsDoNotDelayOthers) {
  hang(20);
  std::promise<Resolved> answer;
  const ResolveHandle question = resolver->resolve(
      Address::parse("tcp://quick:1"), [&](Resolved found) { answer.set_value(std::move(found)); });
  std::future<Resolved> found = answer.get_future();
  ASSERT_EQ(found.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(found.get().addresses.size(), 1U);
}

TEST_F(Resolving, CancelledLookupsAreNotStarted) {
  hang(100);  // more than there are threads
  ResolveHandle dropped =
      resolver->resolve(Address::parse("tcp://dropped:1"), [](const Resolved&) { ADD_FAILURE(); });
  std::promise<void> last;
  const ResolveHandle question =
      resolver->resolve(Address::parse("tcp://last:1"), [&](const Resolved&) { last.set_value(); });
  dropped.reset();
  names->let_go();
  ASSERT_EQ(last.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(names->asked("dropped"));
}

TEST_F(Resolving, DestructionDoesNotWaitForHangingLookups) {
  std::atomic<bool> answered = false;
  const ResolveHandle question =
      resolver->resolve(Address::parse("tcp://slow:1"), [&](const Resolved&) { answered = true; });
  std::this_thread::sleep_for(20ms);
  const auto begin = std::chrono::steady_clock::now();
  resolver.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  names->let_go();
  while (!names->asked("slow")) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace evio::test

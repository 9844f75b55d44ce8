// This machine's platform with the asynchronous double as its driver.
#include <utility>
#include <vector>

#include "asynchronous_driver.hpp"

namespace evio::test {

using namespace detail;

namespace {

class AsynchronousPlatform : public Platform {
 public:
  AsynchronousPlatform(std::uint64_t seed, const Faults& faults, bool waits)
      : real_(make_platform(Backend::poll)), seed_(seed), faults_(faults), waits_(waits) {}

  std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) override {
    return std::make_unique<AsynchronousDriver>(sink, static_cast<EventFd&>(waker), seed_++,
                                                faults_, waits_);
  }

  Bound bind(const Address& address, bool reuseport, int backlog, const Options& options) override {
    return real_->bind(address, reuseport, backlog, options);
  }
  void start() override { real_->start(); }
  void retire(const Bound& bound) noexcept override { real_->retire(bound); }
  void retired(const Bound& bound) noexcept override { real_->retired(bound); }
  void share(NativeSocket socket) noexcept override { real_->share(socket); }
  void discard(NativeSocket socket) noexcept override { real_->discard(socket); }
  void refuse(NativeSocket socket) noexcept override { real_->refuse(socket); }
  std::unique_ptr<Waker> make_waker() override { return real_->make_waker(); }
  void run(std::span<Runner* const> runners, const std::function<void()>& abandon) override {
    real_->run(runners, abandon);
  }
  Bound inherit(Socket socket, int backlog, const Options& options) override {
    return real_->inherit(std::move(socket), backlog, options);
  }
  Socket duplicate(NativeSocket socket) override { return real_->duplicate(socket); }
  NativeSocket take_over(Socket&& socket) override { return real_->take_over(std::move(socket)); }
  ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done) override {
    return real_->resolve(name, std::move(done));
  }
  void report(std::string_view line) noexcept override { real_->report(line); }
  Duration now() override { return real_->now(); }
  std::uint64_t random() override { return real_->random(); }
  int hardware_threads() override { return real_->hardware_threads(); }
  std::shared_ptr<void> catch_signals(Stoppable& target) override {
    return real_->catch_signals(target);
  }

 private:
  const std::unique_ptr<Platform> real_;
  std::uint64_t seed_;
  const Faults faults_;
  const bool waits_;
};

class SteppedPlatform final : public AsynchronousPlatform {
 public:
  SteppedPlatform(std::uint64_t seed, const Faults& faults, std::function<void()> between)
      : AsynchronousPlatform(seed, faults, false), chance_(~seed), between_(std::move(between)) {}

  void run(std::span<Runner* const> runners, const std::function<void()>&) override {
    std::vector<Runner*> running(runners.begin(), runners.end());
    while (!running.empty()) {
      const auto next =
          running.begin() + static_cast<std::ptrdiff_t>(chance_.upto(running.size()) - 1);
      if (!(*next)->run_once()) running.erase(next);
      between_();
    }
  }
  std::uint64_t random() override { return chance_.upto(SIZE_MAX); }

 private:
  Chance chance_;
  const std::function<void()> between_;
};

}  // namespace

std::unique_ptr<Platform> make_asynchronous_platform(std::uint64_t seed, const Faults& faults) {
  return std::make_unique<AsynchronousPlatform>(seed, faults, true);
}

std::unique_ptr<Platform> make_stepped_platform(std::uint64_t seed, const Faults& faults,
                                                std::function<void()> between) {
  return std::make_unique<SteppedPlatform>(seed, faults, std::move(between));
}

}  // namespace evio::test

// This machine's platform, but for its driver.
#include "asynchronous_driver.hpp"

namespace evio::test {

namespace {

class AsynchronousPlatform final : public Platform {
 public:
  AsynchronousPlatform(std::uint64_t seed, const Faults& faults)
      : real_(make_platform(Backend::poll)), seed_(seed), faults_(faults) {}

  std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) override {
    return std::make_unique<AsynchronousDriver>(sink, static_cast<EventFd&>(waker), seed_++, faults_);
  }

  Bound bind(const Address& address, bool reuseport, int backlog, const Options& options) override {
    return real_->bind(address, reuseport, backlog, options);
  }
  void unlink(const Bound& bound) noexcept override { real_->unlink(bound); }
  void discard(NativeSocket socket) noexcept override { real_->discard(socket); }
  std::unique_ptr<Waker> make_waker() override { return real_->make_waker(); }
  void run(std::span<Runner* const> runners, const std::function<void()>& abandon) override {
    real_->run(runners, abandon);
  }
  std::uint64_t random() override { return real_->random(); }
  int hardware_threads() override { return real_->hardware_threads(); }
  std::shared_ptr<void> catch_signals(Stoppable& target) override { return real_->catch_signals(target); }

 private:
  const std::unique_ptr<Platform> real_;
  std::uint64_t seed_;
  const Faults faults_;
};

}  // namespace

std::unique_ptr<Platform> make_asynchronous_platform(std::uint64_t seed, const Faults& faults) {
  return std::make_unique<AsynchronousPlatform>(seed, faults);
}

}  // namespace evio::test

// The platform of a server in a simulated world.
#pragma once

#include <memory>
#include <vector>

#include "backend/platform.hpp"
#include "backend/simulated/simulated_driver.hpp"
#include "backend/simulated/simulated_names.hpp"

namespace evio { inline namespace v0 { namespace detail {

class SimulatedPlatform final : public Platform {
 public:
  SimulatedPlatform(World& world, Network& network, Bridges& bridges)
      : world_(world), network_(network), bridges_(bridges), names_(world) {}

  // The driver of a loop, by the loop's index. Valid until the loop ends.
  SimulatedDriver& driver(std::size_t loop) const { return *drivers_[loop]; }

  Bound bind(const Address& address, bool reuseport, int backlog, const Options& options) override;
  void retire(const Bound& bound) noexcept override;
  Bound inherit(Socket socket, int backlog, const Options& options) override;
  Socket duplicate(NativeSocket socket) override;
  NativeSocket take_over(Socket&& socket) override;
  void discard(NativeSocket socket) noexcept override;
  std::unique_ptr<Waker> make_waker() override { return std::make_unique<SimulatedWaker>(); }
  std::unique_ptr<Driver> make_driver(Sink& sink, Waker& waker) override;
  void run(std::span<Runner* const> runners, const std::function<void()>& abandon) override;
  ResolveHandle resolve(const Address& name, std::function<void(Resolved)> done) override {
    names_.resolve(name, std::move(done));
    return nullptr;
  }
  // Tests use Stats, `failed` and `trace` instead.
  void report(std::string_view) noexcept override {}
  Duration now() override { return world_.now(); }
  std::uint64_t random() override { return world_.chance.number(); }
  int hardware_threads() override { return 4; }
  std::shared_ptr<void> catch_signals(Stoppable&) override { return nullptr; }

 private:
  World& world_;
  Network& network_;
  Bridges& bridges_;
  SimulatedNames names_;
  std::vector<SimulatedDriver*> drivers_;
};

}}}  // namespace evio::v0::detail

// A server's platform in a simulated world.
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

  // Of the server's loops, in their order; each as long as its loop lets it live.
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
  void report(std::string_view) noexcept override {}  // Stats, `failed` and `trace` tell of it
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

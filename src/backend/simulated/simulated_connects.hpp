// The attempts to connect of one simulated driver.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/driver.hpp"
#include "backend/simulated/network.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

class SimulatedConnects final : private Timed {
 public:
  SimulatedConnects(World& world, Network& network)
      : world_(world), network_(network), member_(world.join(*this)) {}
  SimulatedConnects(const SimulatedConnects&) = delete;
  SimulatedConnects& operator=(const SimulatedConnects&) = delete;
  ~SimulatedConnects();

  // False if the id is in use.
  bool connect(ConnectId id, const Address& to, const Options& options);
  // False if there is no such attempt.
  bool cancel(ConnectId id);
  bool any_news() const noexcept { return !over_.empty(); }
  bool deliver(Sink& sink);

 private:
  struct Attempt {
    Address to;
    Options options;
    std::uint32_t generation = 0;
    bool used = false;
    int tries = 0;
    std::optional<SocketId> socket;
    std::optional<PortId> port;
    std::errc error{};
  };
  struct Over {
    ConnectId id;
    std::uint32_t generation;
  };

  void due(std::uint64_t what) override;
  void schedule(ConnectId id, Duration delay);
  void make_port(Attempt& attempt);
  void close(const Attempt& attempt);

  World& world_;
  Network& network_;
  const std::uint32_t member_;
  std::vector<Attempt> attempts_;  // by id
  std::vector<Over> over_, telling_;
  std::uint16_t next_port_ = 32768;
};

}}}  // namespace evio::v0::detail

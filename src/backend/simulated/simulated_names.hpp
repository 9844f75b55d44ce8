// Name resolution in a simulated world. It knows localhost only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "backend/platform.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

class SimulatedNames final : private Timed {
 public:
  explicit SimulatedNames(World& world) : world_(world), member_(world.join(*this)) {}
  SimulatedNames(const SimulatedNames&) = delete;
  SimulatedNames& operator=(const SimulatedNames&) = delete;
  ~SimulatedNames();

  void resolve(const Address& name, std::function<void(Resolved)> done);

 private:
  struct ResolveHandle {
    Address name;
    std::function<void(Resolved)> done;
  };

  void due(std::uint64_t number) override;

  World& world_;
  const std::uint32_t member_;
  std::map<std::uint64_t, ResolveHandle> questions_;
  std::uint64_t last_ = 0;
};

}}}  // namespace evio::v0::detail

// Detached connections: each user's socket is one end of a real pair, whose other end is
// joined to the world.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/simulated/network.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Bridges final : private SocketHolder {
 public:
  explicit Bridges(Network& network) : network_(network) {}
  Bridges(const Bridges&) = delete;
  Bridges& operator=(const Bridges&) = delete;
  ~Bridges();

  // A descriptor through which the side goes on; it blocks.
  int make(SocketId id);
  // The side whose user has that descriptor, to be held by somebody else, who closes the
  // descriptor.
  std::optional<SocketId> take_back(int user_fd);
  // Moves what can be moved, both ways; true if anything was.
  bool pump();

 private:
  struct Bridge {
    SocketId id;
    int fd;
    std::uint64_t user;  // its end's inode number
    bool user_ended = false;
    bool peer_ended = false;
  };
  void stirred(std::uint32_t) override {}
  bool pump(Bridge& bridge);
  bool to_user(Bridge& bridge);
  bool from_user(Bridge& bridge);

  Network& network_;
  std::vector<Bridge> bridges_;
  std::vector<std::uint64_t> broken_;  // users' ends whose connections are no more
};

}}}  // namespace evio::v0::detail

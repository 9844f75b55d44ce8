// Detached connections of a simulated world. The user gets one end of a real pair of sockets; a
// Bridge moves bytes between the other end and the simulated connection.
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

  // Makes a blocking descriptor for this side of a connection, and takes the side over.
  int make(SocketId id);
  // Ends the bridge of a user's descriptor and returns its side of the connection, for a driver to
  // adopt. The caller must close the descriptor.
  std::optional<SocketId> take_back(int user_fd);
  // Moves bytes in both directions as far as possible. True if anything was moved.
  bool pump();

 private:
  struct Bridge {
    SocketId id;
    int fd;
    std::uint64_t user;  // the inode number of the user's end
    bool user_ended = false;
    bool peer_ended = false;
  };
  void stirred(std::uint32_t) override {}
  bool pump(Bridge& bridge);
  bool to_user(Bridge& bridge);
  bool from_user(Bridge& bridge);

  Network& network_;
  std::vector<Bridge> bridges_;
  std::vector<std::uint64_t> broken_;  // users' ends whose connections have broken
};

}}}  // namespace evio::v0::detail

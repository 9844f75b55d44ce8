// The client's side of WebSocket, with frames that are prepared in advance.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace load {

// Upgrades connections to WebSockets, or ends the program with a message.
void upgrade_all(const std::vector<int>& sockets);

// A message as one frame, as a client and as a server sends it.
std::string client_frame(std::string_view message);
std::string server_frame(std::string_view message);

}  // namespace load

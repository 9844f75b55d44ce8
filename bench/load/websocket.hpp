// WebSocket, as a client speaks it whose frames are all made before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace load {

// Makes WebSockets of connections, or ends the program with a message.
void upgrade_all(const std::vector<int>& sockets);

// A message as one frame: as a client sends it, and as a server does.
std::string client_frame(std::string_view message);
std::string server_frame(std::string_view message);

}  // namespace load

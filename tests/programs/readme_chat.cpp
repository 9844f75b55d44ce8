#include <evio/evio.hpp>
#include <mutex>
#include <string>
#include <unordered_set>

struct Room {
  std::mutex mutex;
  std::unordered_set<evio::Handle> members;

  void tell_others(const evio::Handle& speaker, std::string line) {
    const evio::SharedBytes bytes(std::move(line));
    const std::lock_guard lock(mutex);
    for (const evio::Handle& member : members)
      if (member != speaker && member.pending_output() < (1 << 20)) member.send(bytes);
  }
};

int main() {
  Room room;
  evio::serve({.loops = -1,
               .handle_signals = true,
               .opened =
                   [&](evio::Conn& c) {
                     const std::lock_guard lock(room.mutex);
                     room.members.insert(c.handle());
                   },
               .data =
                   [&](evio::Conn& c, evio::Input& in) {
                     for (auto end = in.view().find('\n'); end != in.view().npos;
                          end = in.view().find('\n'))
                       room.tell_others(c.handle(), std::string(in.take(end + 1)));
                   },
               .closed =
                   [&](evio::Conn& c, std::error_code) {
                     const std::lock_guard lock(room.mutex);
                     room.members.erase(c.handle());
                   }},
              "tcp://:6000");
}

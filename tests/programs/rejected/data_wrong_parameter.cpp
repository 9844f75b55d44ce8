// `data` is given Input&, not what was read into a string
// error: this handler takes neither the handler's parameters .* nor none
#include <evio/evio.hpp>
#include <string>
int main() {
  evio::serve({.data = [](evio::Conn& c, std::string& in) { c.write(in); }}, "tcp://:5000");
}

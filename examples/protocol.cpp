// A user-defined protocol: each message is a type and a text, after a header of "MSG", the type and
// the length.
#include <cstdio>
#include <evio/evio.hpp>
#include <string>

// `data` receives, and `write` accepts, the type followed by the text.
struct Messages {
  static constexpr std::size_t head = 5;  // "MSG", type, length

  evio::Decoded decode(std::string_view bytes, std::size_t) const {
    if (!std::string_view("MSG").starts_with(bytes.substr(0, 3))) return evio::Decoded::malformed();
    if (bytes.size() < head) return evio::Decoded::incomplete();
    const std::size_t size = head + static_cast<unsigned char>(bytes[3]);
    if (bytes.size() < size) return evio::Decoded::incomplete(size);
    return evio::Decoded::frame(bytes.substr(head - 1, size - head + 1), size);
  }

  void encode(std::string_view message, evio::ByteSink& wire) const {
    if (message.empty() || message.size() > 256)
      throw std::length_error("a type, and at most 255 bytes of text");
    const char length = static_cast<char>(message.size() - 1);
    wire.append("MSG");
    wire.append({&length, 1});
    wire.append(message);
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.codec = Messages(),
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .data =
           [](evio::Conn& conn, evio::Input& message) {
             const std::string_view type = message.take(1);
             std::printf("type %s: %zu bytes\n", std::string(type).c_str(), message.size());
             conn.write({type, message.take()});
           },
       .closed =
           [](evio::Conn&, std::error_code why) {
             if (why) std::printf("closed: %s\n", why.message().c_str());
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}

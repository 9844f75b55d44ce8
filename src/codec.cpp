// Codec::encoded: a message encoded into a string.
#include <evio/codec.hpp>

namespace evio { inline namespace v0 {

std::string Codec::encoded(std::string_view message) const {
  struct Text final : ByteSink {
    void append(std::string_view bytes) override { text += bytes; }
    std::string text;
  } wire;
  encode(message, wire);
  return std::move(wire.text);
}

}}  // namespace evio::v0

#include "script.hpp"

#include <cstring>

#include "support/bytes.hpp"

namespace evio::test::soak {

namespace {

// Mostly sizes that fit into a packet, at times sizes that fill all buffers on the way.
std::size_t random_length(Random& random) {
  const std::size_t kind = between(random, 0, 99);
  if (kind < 70) return between(random, 1, 4 * kib);
  if (kind < 97) return between(random, 4 * kib, 128 * kib);
  return between(random, 1 * mib, 3 * mib);
}

}  // namespace

std::string_view all_bytes() {
  static const std::string bytes = pattern(8 * mib);
  return bytes;
}

std::string Header::encoded() const {
  std::string bytes(size, static_cast<char>(mode));
  std::memcpy(&bytes[1], &offset, sizeof offset);
  std::memcpy(&bytes[5], &length, sizeof length);
  return bytes;
}

Header Header::decoded(std::string_view bytes) {
  Header header{.mode = static_cast<Mode>(bytes[0])};
  std::memcpy(&header.offset, &bytes[1], sizeof header.offset);
  std::memcpy(&header.length, &bytes[5], sizeof header.length);
  return header;
}

std::string Script::to_send() const {
  return header.encoded() + std::string(header.mode == Mode::pushed ? "" : header.part());
}

std::string Script::expected() const {
  return std::string(header.part()) + std::string(header.mode == Mode::ended ? trailer : "");
}

Script random_script(Random& random) {
  static constexpr Mode modes[] = {Mode::echo, Mode::ended, Mode::pushed};
  Script script;
  const std::size_t length = random_length(random);
  script.header = {
      .mode = modes[between(random, 0, 2)],
      .offset = static_cast<std::uint32_t>(between(random, 0, all_bytes().size() - length)),
      .length = static_cast<std::uint32_t>(length)};
  script.burst =
      between(random, 0, 3) == 0 ? between(random, 1, 64) * 16 : between(random, 1, 64) * kib;
  script.slow = between(random, 0, 15) == 0;
  const std::size_t ending = between(random, 0, 9);
  if (ending < 4)
    script.ending = ending < 2 ? Script::CloseReason::close : Script::CloseReason::reset;
  script.enough = between(random, 0, length);
  return script;
}

}  // namespace evio::test::soak

// What a connection of the crowd does, and what it must get for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace evio::test::soak {

using Random = std::mt19937_64;
inline std::size_t between(Random& random, std::size_t least, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>(least, most)(random);
}

/// All bytes that are ever sent. Each connection uses a part of its own choice, so that one which
/// gets another's shows.
std::string_view all_bytes();
inline constexpr std::string_view trailer = "and that was all";

enum class Mode : char {
  echo = 'e',    // it gets back what it sends
  ended = 'h',   // the same, and the trailer when it has ended its side
  pushed = 'p',  // threads of the server send it its part through its handle, and close it
};

/// A connection begins with this.
struct Header {
  static constexpr std::size_t size = 9;
  Mode mode = Mode::echo;
  std::uint32_t offset = 0;  // the part of all_bytes()
  std::uint32_t length = 0;

  std::string_view part() const { return all_bytes().substr(offset, length); }
  std::string encoded() const;
  static Header decoded(std::string_view bytes);
};

struct Script {
  enum class CloseReason { orderly, close, reset };  // the others when it has got `enough`
  Header header;
  std::size_t burst = 0;  // it sends so much at a time
  bool slow = false;      // it reads little, and rarely
  CloseReason ending = CloseReason::orderly;
  std::size_t enough = 0;

  std::string to_send() const;
  std::string expected() const;
};

Script random_script(Random& random);

}  // namespace evio::test::soak

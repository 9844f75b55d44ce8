// The script of a client connection: what it sends, and what it must receive.
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

/// All bytes that are ever sent. Each connection uses a different part, so that bytes of another
/// connection are detected.
std::string_view all_bytes();
inline constexpr std::string_view trailer = "and that was all";

enum class Mode : char {
  echo = 'e',    // the server echoes its bytes
  ended = 'h',   // the same, and a trailer after the client has ended its side
  pushed = 'p',  // threads of the server send its part through the handle, and close it
};

/// The first bytes of a connection.
struct Header {
  static constexpr std::size_t size = 9;
  Mode mode = Mode::echo;
  std::uint32_t offset = 0;  // the beginning of its part of all_bytes()
  std::uint32_t length = 0;

  std::string_view part() const { return all_bytes().substr(offset, length); }
  std::string encoded() const;
  static Header decoded(std::string_view bytes);
};

struct Script {
  enum class CloseReason { orderly, close, reset };  // close and reset happen after `enough` bytes
  Header header;
  std::size_t burst = 0;  // how much it sends at a time
  bool slow = false;      // reads little, and rarely
  CloseReason ending = CloseReason::orderly;
  std::size_t enough = 0;

  std::string to_send() const;
  std::string expected() const;
};

Script random_script(Random& random);

}  // namespace evio::test::soak

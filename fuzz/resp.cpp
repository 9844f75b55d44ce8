// Requests to the example redis-server are parsed the same whole and in pieces.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "check.hpp"
#include "redis/request.hpp"

namespace {

// The parsed words, separated, and the error at the end.
std::string read(std::string_view input, std::size_t piece) {
  std::string seen;
  redis::Request request;
  std::size_t shown = std::min(piece, input.size());
  while (shown > 0) {
    const std::string_view now = input.substr(0, shown);
    const redis::Request::State state = request.parse(now);
    if (state == redis::Request::State::invalid) return seen + "!" + request.problem();
    if (state == redis::Request::State::complete) {
      CHECK(request.size() > 0 && request.size() <= now.size());
      const redis::Words words = request.words(now);
      for (std::size_t i = 0; i < words.size(); ++i) seen.append(words[i]).append("|");
      seen += '\n';
      input.remove_prefix(request.size());
      shown -= request.size();
      request.reset();
      if (shown > 0 || input.empty()) continue;
      shown = std::min(piece, input.size());
    } else {
      if (shown == input.size()) break;
      shown = std::min(shown + piece, input.size());
    }
  }
  return seen + "?";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  evio::fuzz::Bytes bytes(data, size);
  const std::size_t piece = 1 + bytes.byte() % 64;
  CHECK(read(bytes.rest(), piece) == read(bytes.rest(), size));
  return 0;
}

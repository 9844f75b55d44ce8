// Compares the queues of stored input and pending output with plain strings.
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "check.hpp"
#include "output.hpp"
#include "stored_input.hpp"

namespace {

using evio::detail::Chunk;
using evio::detail::Output;
using evio::detail::OutputPool;
using evio::detail::StoredInput;

constexpr std::size_t most = 40'000;  // more than two blocks of output

std::string some_bytes(std::size_t size, std::uint8_t first) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(first++);
  return bytes;
}

void drive_input(evio::fuzz::Bytes bytes) {
  StoredInput input;
  std::string model;
  while (!bytes.empty()) {
    const std::uint8_t choice = bytes.byte();
    const std::size_t n = bytes.word() % most;
    if (choice % 2 == 0) {
      const std::string more = some_bytes(n, choice);
      input.append(more);
      model += more;
    } else {
      const std::size_t taken = model.empty() ? 0 : n % (model.size() + 1);
      input.consume(taken);
      model.erase(0, taken);
    }
    CHECK(input.view() == model);
    CHECK(!model.empty() || input.capacity() == 0);
  }
}

void check_front(const Output& output, std::string_view model, std::size_t pieces) {
  std::vector<Chunk> room(pieces);
  std::string front;
  for (const Chunk& chunk : output.front(room)) front.append(chunk.data, chunk.size);
  CHECK(model.starts_with(front));
  CHECK(model.empty() == front.empty());
}

void drive_output(evio::fuzz::Bytes bytes) {
  OutputPool pool;
  Output output(pool);
  std::string model;
  std::deque<std::string> borrowed;  // stay in place until the output owns copies
  while (!bytes.empty()) {
    const std::uint8_t choice = bytes.byte();
    const std::size_t n = bytes.word() % most;
    const std::string more = some_bytes(n, choice);
    switch (choice % 8) {
      case 0:
      case 1:
        output.append_copy(more.substr(0, n % 64));
        model += more.substr(0, n % 64);
        break;
      case 2:
        output.append_copy(more);
        model += more;
        break;
      case 3:
        output.append_shared(evio::SharedBytes(std::string(more)));
        model += more;
        break;
      case 4:
        borrowed.push_back(more);
        output.append_borrowed(borrowed.back());
        model += more;
        break;
      case 5:
        output.own();
        for (std::string& gone : borrowed) gone.assign(gone.size(), '#');
        borrowed.clear();
        break;
      default:
        const std::size_t taken = n % (model.size() + 1);
        output.consume(taken);
        model.erase(0, taken);
    }
    CHECK(output.size() == model.size());
    check_front(output, model, 1 + choice % 64);
  }
  output.own();
  output.clear();
  CHECK(pool.held == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 256) return 0;
  evio::fuzz::Bytes bytes(data, size);
  if (bytes.byte() % 2 == 0)
    drive_input(bytes);
  else
    drive_output(bytes);
  return 0;
}

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <evio/binding.hpp>
#include <string>

namespace evio { inline namespace v0 {

namespace {

constexpr int first_descriptor = 3;

// The number that a variable of the environment holds; -1 if none.
int number_of(const char* variable) noexcept {
  const char* const text =
      std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): only setenv would not be
  int number = -1;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

std::vector<Binding> listen_fds() {
  std::vector<Binding> all;
  if (number_of("LISTEN_PID") != ::getpid()) return all;  // they were meant for another process
  for (int i = 0; i < number_of("LISTEN_FDS"); ++i)
    all.emplace_back("fd://" + std::to_string(first_descriptor + i));
  return all;
}

}}  // namespace evio::v0

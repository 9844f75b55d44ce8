// listen_fds: the sockets that systemd passes by its protocol of socket activation.
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <evio/binding.hpp>
#include <string>

namespace evio { inline namespace v0 {

namespace {

constexpr int first_descriptor = 3;

// The number in an environment variable; -1 if there is none.
int number_of(const char* variable) noexcept {
  const char* const text =
      std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): unsafe only beside setenv
  int number = -1;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

std::vector<Binding> listen_fds() {
  std::vector<Binding> all;
  // The environment is inherited: the sockets may be for a parent process.
  if (number_of("LISTEN_PID") != ::getpid()) return all;
  for (int i = 0; i < number_of("LISTEN_FDS"); ++i)
    all.emplace_back("fd://" + std::to_string(first_descriptor + i));
  return all;
}

}}  // namespace evio::v0

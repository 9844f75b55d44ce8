// Checks that Limits::memory_max bounds the memory of messages that have not arrived completely.
#pragma once

#include <cstddef>
#include <string_view>

#include "bytes.hpp"
#include "test_server.hpp"

namespace evio::test {

/// The memory_max of a server that is passed to expect_bounded_memory().
inline constexpr std::size_t incomplete_input_max = 16 * mib;

/// Sends `message`, of about 1 MiB, without its last byte from each of sixty clients. Expects the
/// server to pause reading, to stay within its limit, and to release the memory when they leave.
/// To be called in a child process: it measures the memory of the whole process.
void expect_bounded_memory(TestServer& server, std::string_view message);

}  // namespace evio::test

// Helpers that call bind_socket and return its sockets or its error.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <evio/address.hpp>
#include <evio/error.hpp>
#include <evio/options.hpp>
#include <evio/socket.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "backend/posix/socket.hpp"

namespace evio::test {

using namespace detail;

struct Bound {
  explicit Bound(const std::string& url, bool reuseport = false, const Options& options = {})
      : Bound(bind_socket(Address::parse(url), reuseport, 16, options)) {}
  explicit Bound(BoundSocket&& made)
      : socket(made.fd), address(made.address), device(made.device), inode(made.inode) {}

  Socket socket;
  Address address;
  dev_t device;
  ino_t inode;
};

// The error of binding the address; empty if it can be bound.
struct Refusal {
  std::error_code code;
  std::string what;
};

inline Refusal refusal(const std::string& url, bool reuseport = false,
                       const Options& options = {}) {
  try {
    Bound bound(url, reuseport, options);
    remove_socket_file(bound.address, bound.device, bound.inode);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(url));
    return {error.code(), error.what()};
  }
  return {};
}

inline std::error_code refused(const std::string& url) { return refusal(url).code; }

// The number of the next descriptor: a leaked descriptor changes it.
inline int lowest_free_descriptor() { return Socket(open("/dev/null", O_RDONLY)).fd(); }

}  // namespace evio::test

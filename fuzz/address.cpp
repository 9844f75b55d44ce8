// Any text is rejected as an address with an Error, or printed so that it parses to the same
// address.
#include <evio/address.hpp>
#include <evio/binding.hpp>
#include <evio/error.hpp>
#include <functional>
#include <string_view>

#include "check.hpp"

using evio::Address;
using evio::Binding;
using evio::Error;

namespace {

void read_again(const Address& address) {
  const Address again = Address::parse(address.to_string());
  CHECK(again == address);
  CHECK(std::hash<Address>()(again) == std::hash<Address>()(address));
  CHECK(again.to_string() == address.to_string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  try {
    read_again(Address::parse(url));
  } catch (const Error& error) {
    CHECK(error.what()[0] != '\0');
  }
  try {
    read_again(Binding(url).address());
  } catch (const Error& error) {
    CHECK(error.what()[0] != '\0');
  }
  return 0;
}

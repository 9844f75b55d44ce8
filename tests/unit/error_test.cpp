#include <gtest/gtest.h>

#include <evio/error.hpp>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <system_error>

namespace evio { namespace {

constexpr Errc all[] = {Errc::idle_timeout,    Errc::input_overflow, Errc::output_overflow,
                        Errc::connect_timeout, Errc::drain_timeout,  Errc::handler_failed};

TEST(Errc, IsAnErrorCodeOfItsOwnCategory) {
  std::error_code code = Errc::idle_timeout;
  EXPECT_TRUE(code);
  EXPECT_EQ(code, Errc::idle_timeout);
  EXPECT_NE(code, Errc::drain_timeout);
  EXPECT_STREQ(code.category().name(), "evio");
  EXPECT_EQ(&code.category(), &error_category());
}

TEST(Errc, HasAMessageForEach) {
  std::set<std::string> messages;
  for (Errc code : all) messages.insert(std::error_code(code).message());
  EXPECT_EQ(messages.size(), std::size(all));
}

TEST(Errc, NamesTheSettingThatGovernsIt) {
  auto message = [](Errc code) { return std::error_code(code).message(); };
  EXPECT_NE(message(Errc::idle_timeout).find("Options::idle_timeout"), std::string::npos);
  EXPECT_NE(message(Errc::input_overflow).find("Limits::input_max"), std::string::npos);
  EXPECT_NE(message(Errc::output_overflow).find("Limits::output_max"), std::string::npos);
  EXPECT_NE(message(Errc::connect_timeout).find("Limits::connect_timeout"), std::string::npos);
  EXPECT_NE(message(Errc::drain_timeout).find("Limits::drain_timeout"), std::string::npos);
}

TEST(Errc, HasAMessageForValuesOfANewerVersion) {
  EXPECT_NE(error_category().message(4711).find("4711"), std::string::npos);
}

TEST(Error, TellsAddressAndProblem) {
  Error error(std::make_error_code(std::errc::invalid_argument), "tcp://:99999",
              "port 99999 is too large");
  EXPECT_STREQ(error.what(), "tcp://:99999: port 99999 is too large");
  EXPECT_EQ(error.address(), "tcp://:99999");
  EXPECT_EQ(error.code(), std::errc::invalid_argument);
}

TEST(Error, AddsTheMessageOfItsCodeWhenThatSaysMore) {
  auto code = std::make_error_code(std::errc::address_in_use);
  EXPECT_STREQ(Error(code, "tcp://:80", "cannot bind").what(),
               "tcp://:80: cannot bind (Address already in use)");
  EXPECT_STREQ(Error(code, "tcp://:80", "Address already in use").what(),
               "tcp://:80: Address already in use");
  EXPECT_STREQ(Error({}, "tcp://:80", "cannot bind").what(), "tcp://:80: cannot bind");
}

TEST(Error, NeedsNoAddress) {
  auto code = std::make_error_code(std::errc::broken_pipe);
  EXPECT_STREQ(Error(code, "", "cannot write").what(), "cannot write (Broken pipe)");
  EXPECT_STREQ(Error(code, "", "").what(), "Broken pipe");
  EXPECT_STREQ(Error(code, "tcp://:80", "").what(), "tcp://:80 (Broken pipe)");
}

TEST(Error, ShowsControlCharactersOfTheAddress) {
  Error error({}, std::string_view("tcp://a\0b\n:1", 12), "no name");
  EXPECT_STREQ(error.what(), "tcp://a\\x00b\\x0a:1: no name");
  EXPECT_EQ(error.address(), std::string_view("tcp://a\0b\n:1", 12));
}

TEST(Error, IsCaughtAsASystemErrorWithWhatItSaid) {
  try {
    throw Error(Errc::connect_timeout, "tcp://example.org:1", "gave up");
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), Errc::connect_timeout);
    EXPECT_STREQ(error.what(),
                 "tcp://example.org:1: gave up (not connected within Limits::connect_timeout)");
  }
}

TEST(Error, SurvivesWhatItWasCopiedFrom) {
  auto error = std::make_unique<Error>(Errc::connect_timeout, "tcp://example.org:1", "gave up");
  Error copy = *error;
  error.reset();
  EXPECT_EQ(copy.address(), "tcp://example.org:1");
  EXPECT_STREQ(copy.what(),
               "tcp://example.org:1: gave up (not connected within Limits::connect_timeout)");
}

}  // namespace
}  // namespace evio

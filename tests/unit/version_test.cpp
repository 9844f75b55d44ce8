#include <gtest/gtest.h>

#include <evio/version.hpp>
#include <fstream>
#include <sstream>
#include <string>

namespace evio::test { namespace {

TEST(Version, IsTheSameInTheLibraryAndInTheHeader) {
  EXPECT_STREQ(version(), EVIO_VERSION_STRING);
  EXPECT_EQ(EVIO_VERSION_STRING, std::to_string(EVIO_VERSION_MAJOR) + "." +
                                     std::to_string(EVIO_VERSION_MINOR) + "." +
                                     std::to_string(EVIO_VERSION_PATCH));
  EXPECT_EQ(EVIO_VERSION,
            EVIO_VERSION_MAJOR * 10'000 + EVIO_VERSION_MINOR * 100 + EVIO_VERSION_PATCH);
}

}}  // namespace evio::test

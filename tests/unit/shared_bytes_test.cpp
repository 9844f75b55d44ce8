#include <gtest/gtest.h>

#include <cstring>
#include <evio/shared_bytes.hpp>
#include <memory>
#include <string>

namespace evio { namespace {

TEST(SharedBytes, IsEmptyByDefault) {
  SharedBytes buffer;
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(buffer.view(), "");
}

TEST(SharedBytes, TakesAStringWithoutACopy) {
  std::string bytes(1000, 'x');
  const char* before = bytes.data();
  SharedBytes buffer(std::move(bytes));
  EXPECT_EQ(buffer.view(), std::string(1000, 'x'));
  EXPECT_EQ(buffer.view().data(), before);
}

TEST(SharedBytes, HoldsAnyByte) {
  const std::string bytes("\0\xff\r\n", 4);
  EXPECT_EQ(SharedBytes(bytes).view(), bytes);
}

TEST(SharedBytes, KeepsShortStringsInPlaceWhenMoved) {
  SharedBytes buffer(std::string("short"));
  const char* before = buffer.view().data();
  SharedBytes moved = std::move(buffer);
  EXPECT_EQ(moved.view().data(), before);
  EXPECT_EQ(moved.view(), "short");
}

TEST(SharedBytes, SharesItsBytesWithCopies) {
  SharedBytes copy;
  {
    SharedBytes original(std::string(100, 'y'));
    copy = original;
    EXPECT_EQ(copy.view().data(), original.view().data());
  }
  EXPECT_EQ(copy.view(), std::string(100, 'y'));
}

TEST(SharedBytes, FreesTheBytesWithTheLastCopy) {
  auto owner = std::make_shared<std::string>("part of a larger whole");
  std::weak_ptr<std::string> watched = owner;
  auto first = std::make_unique<SharedBytes>(owner, std::string_view(*owner).substr(0, 4));
  owner.reset();
  auto second = std::make_unique<SharedBytes>(*first);
  first.reset();
  EXPECT_EQ(second->view(), "part");
  EXPECT_FALSE(watched.expired());
  second.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace evio

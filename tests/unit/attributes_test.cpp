#include <gtest/gtest.h>

#include <evio/attributes.hpp>
#include <memory>

namespace evio::test { namespace {

TEST(Attributes, KeepOneValueOfAnyTypePerName) {
  Attributes values;
  values.set("user", std::string("ann"));
  values.set("count", 3);
  values.set("owner", std::make_unique<int>(7));  // move-only
  EXPECT_EQ(*values.get<std::string>("user"), "ann");
  EXPECT_EQ(*values.get<int>("count"), 3);
  EXPECT_EQ(**values.get<std::unique_ptr<int>>("owner"), 7);
  EXPECT_EQ(values.get<double>("count"), nullptr) << "of another type";
  EXPECT_EQ(values.get<int>("none"), nullptr);
  values.set("count", std::string("three"));
  EXPECT_EQ(*values.get<std::string>("count"), "three");
  EXPECT_EQ(values.size(), 3U);
}

TEST(Attributes, AreErasedByName) {
  Attributes values;
  values.set("a", 1);
  EXPECT_TRUE(values.erase("a"));
  EXPECT_FALSE(values.erase("a"));
  EXPECT_EQ(values.get<int>("a"), nullptr);
}

}  // namespace
}  // namespace evio::test

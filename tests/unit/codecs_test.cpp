#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <evio/codecs.hpp>
#include <stdexcept>
#include <vector>

namespace evio::test { namespace {

using Strings = std::vector<std::string>;

std::string bytes(std::initializer_list<int> values) {
  std::string made;
  for (const int value : values) made += static_cast<char>(value);
  return made;
}

// The messages that are decoded when the bytes arrive in steps of this size.
Strings decoded(const Codec& codec, std::string_view wire, std::size_t step) {
  Strings messages;
  std::size_t begin = 0;
  std::size_t searched = 0;
  for (std::size_t end = 0; end < wire.size();) {
    end = std::min(end + step, wire.size());
    while (true) {
      const std::string_view here = wire.substr(begin, end - begin);
      const Decoded found = codec.decode(here, searched);
      searched = found.kind == Decoded::Kind::incomplete ? here.size() : 0;
      if (found.kind != Decoded::Kind::frame) break;
      messages.emplace_back(found.message);
      begin += found.size;
    }
  }
  return messages;
}

struct Case {
  const char* name;
  Codec codec;
  std::string forbidden{};  // bytes that no message may contain
};

std::vector<Case> prefixed() {
  std::vector<Case> all{{"varint", codec::VarintPrefixed{}}};
  for (const std::size_t width : {1, 2, 4, 8})
    for (const auto order : {std::endian::big, std::endian::little})
      all.push_back({"prefixed", codec::LengthPrefixed(width, order)});
  return all;
}

std::vector<Case> delimited() {
  return {{"lines", codec::Lines{}, "\r\n"},
          {"crlf", codec::Delimited("\r\n"), "\r\n"},
          {"aab", codec::Delimited("aab"), "ab"}};
}

RC_GTEST_PROP(Codecs, EncodedMessagesAreDecodedHoweverTheyAreSplit, ()) {
  auto messages =
      *rc::gen::container<Strings>(rc::gen::container<std::string>(rc::gen::inRange('\0', 'f')));
  const auto step = *rc::gen::inRange<std::size_t>(1, 40);
  auto cases = prefixed();
  for (Case& one : delimited()) cases.push_back(std::move(one));
  for (const Case& one : cases) {
    Strings fit = messages;
    for (std::string& message : fit)
      std::erase_if(message, [&](char c) { return one.forbidden.find(c) != std::string::npos; });
    std::string wire;
    for (const std::string& message : fit) wire += one.codec.encoded(message);
    RC_ASSERT(decoded(one.codec, wire, step) == fit);
  }
}

TEST(Codecs, FixedLengthFramesAreDecoded) {
  const Codec codec = codec::FixedLength(3);
  EXPECT_EQ(decoded(codec, "abcdefgh", 1), (Strings{"abc", "def"}));
  EXPECT_EQ(codec.encoded("abc"), "abc");
  EXPECT_THROW(codec.encoded("ab"), std::length_error);
  EXPECT_THROW(codec::FixedLength(0), std::invalid_argument);
}

TEST(Codecs, LengthsHaveTheChosenByteOrder) {
  EXPECT_EQ(Codec(codec::LengthPrefixed(1)).encoded("ab"), bytes({2, 'a', 'b'}));
  EXPECT_EQ(Codec(codec::LengthPrefixed(2)).encoded("ab"), bytes({0, 2, 'a', 'b'}));
  EXPECT_EQ(Codec(codec::LengthPrefixed(4, std::endian::little)).encoded("ab"),
            bytes({2, 0, 0, 0, 'a', 'b'}));
  EXPECT_EQ(Codec(codec::LengthPrefixed(8)).encoded(""), std::string(8, '\0'));
}

TEST(Codecs, ALengthThatDoesNotFitIsRefused) {
  const std::string message(256, 'x');
  EXPECT_THROW(Codec(codec::LengthPrefixed(1)).encoded(message), std::length_error);
  EXPECT_EQ(Codec(codec::LengthPrefixed(2)).encoded(message).size(), 258U);
  EXPECT_THROW(codec::LengthPrefixed(3), std::invalid_argument);
}

TEST(Codecs, TheSizeOfAFrameIsKnownBeforeItHasArrived) {
  EXPECT_EQ(Codec(codec::LengthPrefixed(4)).decode(bytes({0, 1, 0, 0})).size, 4U + 65536U);
  EXPECT_EQ(Codec(codec::LengthPrefixed(8)).decode(std::string(8, '\xff')).size, SIZE_MAX);
  EXPECT_EQ(Codec(codec::VarintPrefixed{}).decode(bytes({0x80, 0x80, 0x01})).size, 3U + 16384U);
}

TEST(Codecs, AVarintIsAtMost64Bits) {
  const Codec codec = codec::VarintPrefixed{};
  EXPECT_EQ(codec.decode(std::string(9, '\xff') + '\x01').size, SIZE_MAX);
  EXPECT_EQ(codec.decode(std::string(9, '\xff') + '\x02').kind, Decoded::Kind::malformed);
  EXPECT_EQ(codec.decode(std::string(9, '\xff')).kind, Decoded::Kind::incomplete);
}

TEST(Codecs, LinesEndWithOrWithoutACarriageReturn) {
  EXPECT_EQ(decoded(codec::Lines{}, "one\r\ntwo\n\n\rx\n\r\nrest", 1),
            (Strings{"one", "two", "", "\rx", ""}));
}

TEST(Codecs, ADelimiterMayNotBePartOfTheMessage) {
  EXPECT_THROW(Codec(codec::Lines{}).encoded("a\nb"), std::invalid_argument);
  EXPECT_THROW(Codec(codec::Delimited("--")).encoded("a--b"), std::invalid_argument);
  EXPECT_THROW(Codec(codec::Delimited("--")).encoded("a-"), std::invalid_argument)
      << "a---: where does it end?";
  EXPECT_THROW(codec::Delimited(""), std::invalid_argument);
}

}  // namespace
}  // namespace evio::test

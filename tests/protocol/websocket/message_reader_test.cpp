// Reading messages from frames: the result does not depend on how the bytes were split, and
// protocol violations are detected.
#include "protocol/websocket/message_reader.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "wire.hpp"

namespace evio::websocket { namespace {

using test::frame;
using Event = MessageReader::Event;

constexpr ReadRules rules{.masked = true, .message = 1 << 20};

// The messages read from the bytes, passed `cut` at a time after the unconsumed ones.
std::vector<std::string> events_of(std::string_view bytes, std::size_t cut,
                                   const ReadRules& with = rules) {
  std::vector<std::string> events;
  MessageReader reader;
  std::string untaken;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(cut, bytes.size()))) {
    untaken += bytes.substr(0, cut);
    Input in(untaken);
    for (;;) {
      const Event event = reader.read(in, with);
      if (event == Event::none) break;
      if (event == Event::failed) {
        events.push_back("failed " + std::to_string(static_cast<unsigned>(reader.failure())));
        return events;
      }
      if (event == Event::message)
        events.push_back((reader.message().kind == Kind::text ? "text " : "binary ") +
                         std::string(reader.message().bytes));
      if (event == Event::ping) events.push_back("ping " + std::string(reader.control()));
      if (event == Event::pong) events.push_back("pong " + std::string(reader.control()));
      if (event == Event::close) events.push_back("close " + std::string(reader.control()));
    }
    untaken.erase(0, untaken.size() - in.size());
  }
  if (!reader.is_idle()) events.push_back("begun");
  return events;
}

using Events = std::vector<std::string>;

TEST(WebSocketMessages, AreReadWhenSplitAtEveryByte) {
  const std::string bytes =
      frame(test::fin | test::text, "whole") + frame(test::text, "in ") +
      frame(test::fin | test::ping, "between") + frame(test::continuation, "") +
      frame(test::fin | test::continuation, "parts \xe2\x82\xac") +
      frame(test::fin | test::binary, std::string(70'000, '\xff')) +
      frame(test::fin | test::pong, "") + frame(test::fin | test::close_frame, "");
  const Events expected{"text whole",
                        "ping between",
                        "text in parts \xe2\x82\xac",
                        "binary " + std::string(70'000, '\xff'),
                        "pong ",
                        "close "};
  for (std::size_t cut = 1; cut < 40; ++cut) EXPECT_EQ(events_of(bytes, cut), expected) << cut;
  EXPECT_EQ(events_of(bytes, bytes.size()), expected);
}

RC_GTEST_PROP(WebSocketMessages, DoNotDependOnTheSplit, ()) {
  std::string bytes;
  Events expected;
  const int messages = *rc::gen::inRange(0, 8);
  for (int i = 0; i < messages; ++i) {
    const bool is_text = *rc::gen::arbitrary<bool>();
    const int frames = *rc::gen::inRange(1, 5);
    std::string whole;
    for (int k = 0; k < frames; ++k) {
      const std::string part(
          *rc::gen::element<std::size_t>(0, 1, 5, 125, 126, 127, 4095, 4096, 4097, 65535, 65536),
          static_cast<char>('a' + k));
      whole += part;
      const unsigned opcode = k > 0 ? test::continuation : is_text ? test::text : test::binary;
      bytes += frame(opcode | (k == frames - 1 ? test::fin : 0U), part);
      if (*rc::gen::inRange(0, 4) == 0) {
        bytes += frame(test::fin | test::ping, part.substr(0, 125));
        if (k == frames - 1) {
          expected.push_back((is_text ? "text " : "binary ") + whole);
          whole.clear();
        }
        expected.push_back("ping " + part.substr(0, 125));
        if (k == frames - 1) goto next;
      }
    }
    expected.push_back((is_text ? "text " : "binary ") + whole);
  next:;
  }
  RC_ASSERT(events_of(bytes, *rc::gen::inRange<std::size_t>(1, 10'000)) == expected);
}

TEST(WebSocketMessages, ThatViolateTheProtocolAreErrors) {
  const std::string good = frame(test::fin | test::text, "before");
  struct Case {
    std::string bytes;
    int code;
  };
  const std::string too_long(126, 'x');
  for (const auto& [bytes, code] : std::vector<Case>{
           {frame(test::fin | test::text, "x", false), 1002},
           {frame(test::fin | test::rsv1 | test::text, "x"), 1002},
           {frame(test::fin | test::rsv2 | test::text, "x"), 1002},
           {frame(test::fin | test::rsv1 | test::ping, "x"), 1002},
           {frame(test::fin | 3, "x"), 1002},
           {frame(test::fin | 7, "x"), 1002},
           {frame(test::fin | 11, "x"), 1002},
           {frame(test::fin | 15, "x"), 1002},
           {frame(test::ping, "x"), 1002},
           {frame(test::fin | test::ping, too_long), 1002},
           {frame(test::fin | test::close_frame, too_long), 1002},
           {frame(test::fin | test::continuation, "x"), 1002},
           {frame(test::text, "x") + frame(test::fin | test::text, "x"), 1002},
           {frame(test::text, "x") + frame(test::fin | test::rsv1 | test::continuation, "x"), 1002},
           {std::string("\x81\xfe\x00\x05", 4) + std::string(4 + 5, '\0'),
            1002},  // a length of 5 in 2 bytes
           {std::string("\x81\xff\0\0\0\0\0\0\0\x05", 10) + std::string(4 + 5, '\0'),
            1002},  // a length of 5 in 8 bytes
           {std::string("\x82\xff\x80\0\0\0\0\0\0\0", 10) + std::string(4 + 5, '\0'),
            1002},  // a length of 2^63
           {std::string("\x82\xff\x00\0\0\0\0\x10\0\x01", 10) + std::string(4 + 5, '\0'),
            1009},  // a byte over 1 MiB
           {frame(test::binary, std::string(1 << 20, 'x')) + frame(test::continuation, "x"), 1009},
           {frame(test::fin | test::text, "\xc0\x80"), 1007},
           {frame(test::fin | test::text, "\xe2\x82"), 1007},
           {frame(test::text, "\xe2") + frame(test::continuation, "\x28"), 1007}})
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, bytes.size() + good.size()})
      EXPECT_EQ(events_of(good + bytes, cut),
                (Events{"text before", "failed " + std::to_string(code)}))
          << cut;
}

TEST(WebSocketMessages, AnInvalidHeaderIsAnErrorBeforeItsPayload) {
  const auto header = [](unsigned first, std::string_view length) {
    return std::string(1, static_cast<char>(first)) + std::string(length) + "mask";
  };
  const std::string huge("\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
  const std::string over("\xff\0\0\0\0\0\x10\0\1", 9);  // a byte over 1 MiB
  const std::string half = frame(test::binary, std::string(1 << 19, 'x'));
  Decompressor decompressor({});
  const ReadRules compressed{.masked = true, .message = 1 << 20, .decompressor = &decompressor};
  struct Case {
    std::string bytes;
    int code;
    ReadRules with = rules;
  };
  for (const auto& [bytes, code, with] : std::vector<Case>{
           {header(test::fin | test::binary, over), 1009},
           {header(test::binary, over), 1009},
           {header(test::fin | test::text, huge), 1009},
           {header(test::fin | test::rsv1 | test::text, huge), 1009, compressed},
           {half + header(test::continuation, {"\xff\0\0\0\0\0\x08\0\1", 9}), 1009},
           {half + header(test::fin | test::continuation, {"\xff\0\0\0\0\0\x08\0\1", 9}), 1009},
           {header(test::fin | test::ping, {"\xfe\0\x7e", 3}), 1002},
           {header(test::fin | test::close_frame, {"\xfe\0\x7e", 3}), 1002},
           {header(test::ping, "\x85"), 1002},
           {header(test::fin | test::rsv2 | test::text, "\x85"), 1002},
           {header(test::fin | test::rsv1 | test::text, "\x85"), 1002},
           {header(test::fin | test::continuation, "\x85"), 1002},
           {header(test::fin | 3, "\x85"), 1002}})
    for (const std::size_t cut : {std::size_t{1}, bytes.size()})
      EXPECT_EQ(events_of(bytes, cut, with), Events{"failed " + std::to_string(code)})
          << bytes.substr(0, 14);
}

TEST(WebSocketMessages, InvalidTextIsAnErrorBeforeItsFrameIsComplete) {
  const std::string whole = frame(test::fin | test::text, "good \xff" + std::string(100, 'x'));
  EXPECT_EQ(events_of(whole.substr(0, 6 + 6), 1), (Events{"failed 1007"}));
  EXPECT_EQ(events_of(whole.substr(0, 6 + 5), 1), (Events{"begun"}));
}

TEST(WebSocketMessages, OfExactlyMessageMaxAreAccepted) {
  const std::string most(1 << 20, 'x');
  EXPECT_EQ(events_of(frame(test::fin | test::binary, most), 5000), (Events{"binary " + most}));
}

TEST(WebSocketMessages, MayBeCompressedAndFragmented) {
  const std::string message(5000, 'm');
  Compressor compressor({});
  std::string compressed;
  compressor.compress(message, compressed);
  const std::string bytes = frame(test::rsv1 | test::text, compressed.substr(0, 3)) +
                            frame(test::continuation, "") +
                            frame(test::fin | test::continuation, compressed.substr(3)) +
                            frame(test::fin | test::text, "not compressed");
  for (std::size_t cut = 1; cut < 60; ++cut) {
    Decompressor decompressor({});
    const ReadRules with{.masked = true, .message = 5000, .decompressor = &decompressor};
    EXPECT_EQ(events_of(bytes, cut, with), (Events{"text " + message, "text not compressed"}));
  }
  Decompressor decompressor({});
  const ReadRules less{.masked = true, .message = 4999, .decompressor = &decompressor};
  EXPECT_EQ(events_of(bytes, 100, less), (Events{"failed 1009"}));
}

}  // namespace
}  // namespace evio::websocket
